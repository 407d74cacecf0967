"""Who may pass and where to, through a whole authproxy: listeners, networks, users, other sites."""

import asyncio
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from authproxy.demo.world import World
from tests.support.program import Program
from tests.support.proxy_header import v1, v2
from tests.support.raw import OK, always, raw_service

NONE = 'credentials = "none"\n'


def configured(tmp_path: Path, text: str) -> Program:
    file = tmp_path / "authproxy.toml"
    file.write_text(text)
    return Program("-c", file, "--no-access-log")


async def ask(
    port: int,
    *fields: str,
    target: str = "/",
    method: str = "GET",
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """The whole answer to a request at 127.0.0.1; empty when we were cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    host = [] if any(field.startswith("Host:") for field in fields) else ["Host: localhost"]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Connection: close", *host, *fields])
    writer.write(before + head.encode() + b"\r\n\r\n" + after)
    answer = b""
    with suppress(ConnectionResetError):
        async with asyncio.timeout(10):
            answer = await reader.read(-1)
    writer.close()
    return answer


def code_of(answer: bytes) -> str:
    """The status, and our own code if it is our own answer."""
    head = answer.partition(b"\r\n\r\n")[0].decode().splitlines()
    marks = ("X-Authproxy-Error", "X-Authproxy-Answer")
    code = next((line.partition(": ")[2] for line in head if line.startswith(marks)), "")
    return f"{head[0].split()[1]} {code}".strip() if head else "nothing"


def ports(program: Program) -> list[int]:
    """Those of the listeners, in the order in which they are configured."""
    found = (re.search(r":(\d+)(?:/|$)", url) for url in program.urls)
    return list(dict.fromkeys(int(port[1]) for port in found if port))


async def test_listeners_paths_and_names_lead_to_their_services(tmp_path: Path) -> None:
    async with raw_service(always(OK)) as first, raw_service(always(OK)) as second:
        text = (
            'listen = "127.0.0.1:0"\n[listeners.second]\nlisten = "127.0.0.1:0"\n'
            'service = "second"\n'
            f'[services.first]\nurl = "{first.url}"\n{NONE}path = "/one"\nstrip_path = true\n'
            f'[services.second]\nurl = "{second.url}"\n{NONE}'
        )
        async with configured(tmp_path, text) as program:
            shared, own = ports(program)
            answers = [
                await ask(shared, target="/one/a?b"),
                await ask(shared, "Host: second.localhost", target="/one/c"),
                await ask(shared, target=f"http://second.localhost:{shared}/d"),
                await ask(shared, target="/else"),
                await ask(own, target="/one/e"),
            ]
    assert [
        f"http://127.0.0.1:{shared}/one",
        f"http://second.localhost:{shared}",
        f"http://127.0.0.1:{own}",
    ] == program.urls
    assert ["200", "200", "200", "404 no_route", "200"] == list(map(code_of, answers))
    assert [b"GET /a?b HTTP/1.1"] == [head.split(b"\r\n")[0] for head in first.heads]
    assert [b"/one/c", b"/d", b"/one/e"] == [head.split()[1] for head in second.heads]


async def test_a_tool_that_takes_it_for_a_forward_proxy_reaches_configured_services_only(
    world: World, tmp_path: Path
) -> None:
    text = (
        f'listen = "127.0.0.1:0"\n[services.billing]\nurl = "{world.url}"\n'
        f'hosts = ["billing.example"]\ncredentials = "metadata"\nca_file = "{world.ca_file}"\n'
    )
    file = tmp_path / "authproxy.toml"
    file.write_text(text)
    async with Program("-c", file, environ=world.environment) as program:
        curl = await asyncio.create_subprocess_exec(
            *("curl", "-s", "--max-time", "10", "-x", f"http://127.0.0.1:{program.port}"),
            *("http://billing.example/whoami", "http://evil.example/"),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await curl.communicate()
        tunnel = await ask(program.port, method="CONNECT", target="billing.example:443")
    assert b"demo@authproxy-demo.iam.gserviceaccount.com" in out
    assert b"host_not_allowed" in out
    assert b"Ask for http:// URLs at this proxy's address instead of https:// through it." in tunnel


async def test_who_the_client_is_a_trusted_proxy_says(tmp_path: Path) -> None:
    async with raw_service(always(OK)) as service:
        text = (
            'listen = "127.0.0.1:0"\nallow = ["192.0.2.0/24"]\ntrusted_proxies = ["127.0.0.1"]\n'
            '[listeners.tcp]\nlisten = "127.0.0.1:0"\nproxy_protocol = true\n'
            f'[services.a]\nurl = "{service.url}"\n{NONE}'
        )
        said = b"PROXY TCP4 %b 192.0.2.1 1000 80\r\n"
        async with configured(tmp_path, text) as program:
            http, tcp = ports(program)
            answers = [
                await ask(http, "X-Forwarded-For: 192.0.2.7"),
                await ask(http, "X-Forwarded-For: 192.0.2.7, 198.51.100.1"),
                await ask(http, "X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.8"),
                await ask(http),
                await ask(tcp, before=said % b"192.0.2.9"),
                await ask(tcp, before=said % b"198.51.100.1"),
                await ask(tcp),
            ]
    refused = "403 address_not_allowed"
    assert ["200", refused, refused, refused, "200", refused, "nothing"] == list(
        map(code_of, answers)
    )
    assert [b"192.0.2.7", b"192.0.2.9"] == [
        re.findall(rb"X-Forwarded-For: (\S+)", head)[0] for head in service.heads
    ]


LOCAL = v2(0x20, 0, b"")


async def test_a_proxy_that_asks_for_itself_hears_of_our_health_only(tmp_path: Path) -> None:
    async with raw_service(always(OK)) as service:
        listener = 'listen = "127.0.0.1:0"\nproxy_protocol = true\n'
        text = (
            'trusted_proxies = ["127.0.0.1"]\nhealth_path = "/up"\n[keys.ci]\n'
            f'sha256 = "{hashlib.sha256(b"k").hexdigest()}"\n'
            f'[listeners.a]\n{listener}[listeners.b]\n{listener}proxy_local = "forward"\n'
            f'[services.a]\nurl = "{service.url}"\n{NONE}'
        )
        async with configured(tmp_path, text) as program:
            health, forward = ports(program)
            answers = [
                await ask(health, target="/up", before=LOCAL),
                await ask(health, target="/up", before=LOCAL, method="HEAD"),
                await ask(health, "Host: 10.0.0.1", target="/up", before=LOCAL, method="OPTIONS"),
                await ask(health, target="/up", before=LOCAL, method="POST"),
                await ask(health, "X-Api-Key: k", before=LOCAL),
                await ask(health, "Origin: http://evil.example", target="/x", before=LOCAL),
                await ask(health, "X-Api-Key: k", target="/up", before=v1("127.0.0.1")),
                await ask(forward, target="/up", before=LOCAL),
                await ask(forward, "X-Api-Key: k", target="/up", before=LOCAL),
            ]
    healthy, itself = "200 healthy", "403 proxy_itself"
    expected = [healthy, healthy, healthy, itself, itself, itself, "200", "401 key_required", "200"]
    assert expected == list(map(code_of, answers))
    assert [b"/up", b"/up"] == [head.split()[1] for head in service.heads]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that other users may look into, unlike pytest's."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_unix_socket_has_the_mode_and_the_users_that_it_is_given(
    tmp_path: Path, open_folder: Path
) -> None:
    path = open_folder / "group"
    async with raw_service(always(OK)) as service:
        text = (
            f'[listeners.group]\nlisten = "unix:{path}"\nsocket_mode = "0666"\n'
            "peer_uids = [65533]\n"
            f'[listeners.name]\nlisten = "unix:@authproxy-{os.getpid()}"\n'
            f'[services.a]\nurl = "{service.url}"\n{NONE}'
        )
        async with configured(tmp_path, text) as program:
            mode = path.stat().st_mode & 0o777
            paths = [str(path), f"\0authproxy-{os.getpid()}"]
            ours = [await asyncio.to_thread(ask_as, None, path) for path in paths]
            theirs = [await asyncio.to_thread(ask_as, 65534, path) for path in paths]
    assert 0o666 == mode
    assert ["200", "200"] == list(map(code_of, ours))
    assert ["403 address_not_allowed"] * 2 == list(map(code_of, theirs))
    assert program.stderr.count("the user 65534 is not in peer_uids") == 0  # --no-access-log


async def test_a_tcp_listener_of_this_machine_is_for_the_users_that_it_names(
    tmp_path: Path,
) -> None:
    async with raw_service(always(OK)) as service:
        text = (
            "".join(
                f'[listeners.{name}]\nlisten = "{host}:0"\npeer_uids = [{uid}]\n'
                for name, host, uid in (
                    ("own", "127.0.0.1", 65533),
                    ("six", "[::1]", 65533),
                    ("both", "127.0.0.1", 65534),
                )
            )
            + f'[services.a]\nurl = "{service.url}"\n{NONE}'
        )
        async with configured(tmp_path, text) as program:
            places = [url.removeprefix("http://") for url in program.urls]
            ours = [await asyncio.to_thread(ask_as, None, place) for place in places]
            theirs = [await asyncio.to_thread(ask_as, 65534, place) for place in places]
    assert ["200"] * 3 == list(map(code_of, ours))
    assert ["403 address_not_allowed"] * 2 + ["200"] == list(map(code_of, theirs))
    assert 4 == len(service.heads)


def ask_as(uid: int | None, path: str) -> bytes:
    """By another process, as another user."""
    script = (
        "import os, socket, sys\n"
        "uid, path = sys.argv[1:]\n"
        "if uid != 'None': os.setuid(int(uid))\n"
        "if path[0] in '/@':\n"
        "    s = socket.socket(socket.AF_UNIX); s.connect(path.replace('@', chr(0), 1))\n"
        "else:\n"
        "    host, _, port = path.rstrip('/').rpartition(':')\n"
        "    s = socket.socket(socket.AF_INET6 if '[' in host else socket.AF_INET)\n"
        "    s.connect((host.strip('[]'), int(port)))\n"
        "s.sendall(b'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\n"
        "while data := s.recv(65536): sys.stdout.buffer.write(data)\n"
    )
    return subprocess.run(
        [sys.executable, "-S", "-c", script, str(uid), path.replace("\0", "@", 1)],
        stdout=subprocess.PIPE,
        timeout=20,
        check=True,
    ).stdout


@pytest.mark.parametrize(
    ("fields", "method", "expected"),
    [
        (("Origin: https://evil.example",), "GET", "403 cross_site"),
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"), "GET", "403 cross_site"),
        (("Origin: http://localhost",), "POST", "200"),
        (("Origin: https://good.example",), "GET", "200"),
        (
            ("Origin: https://good.example", "Access-Control-Request-Method: PUT"),
            "OPTIONS",
            "204 preflight",
        ),
        (("Host: localhost.evil.example",), "GET", "421 host_not_allowed"),
    ],
)
async def test_pages_of_other_sites_get_nowhere(
    tmp_path: Path, fields: tuple[str, ...], method: str, expected: str
) -> None:
    async with raw_service(always(OK)) as service:
        text = (
            'listen = "127.0.0.1:0"\nallow_origins = ["https://good.example"]\n'
            f'[services.a]\nurl = "{service.url}"\n{NONE}'
        )
        async with configured(tmp_path, text) as program:
            answer = await ask(program.port, *fields, method=method)
    assert expected == code_of(answer)
    assert ("good.example" in fields[0]) == (
        b"\r\nAccess-Control-Allow-Origin: https://good.example\r\n" in answer
    )
    assert (expected == "200") == bool(service.heads)


async def test_keys_methods_paths_and_limits_are_kept(tmp_path: Path) -> None:
    key = "apk_0123456789012345678901"
    digest = hashlib.sha256(key.encode()).hexdigest()
    shown = f"X-Api-Key: {key}"
    async with raw_service(always(OK)) as service:
        text = (
            f'listen = "127.0.0.1:0"\n[keys.ci]\nsha256 = "{digest}"\n[limits]\nbody_bytes = 10\n'
            f'[services.a]\nurl = "{service.url}"\n{NONE}'
            'methods = ["read-only", "POST"]\ndeny_paths = "/admin"\n'
        )
        async with configured(tmp_path, text) as program:
            answers = [
                await ask(program.port),
                await ask(program.port, "X-Api-Key: apk_wrong"),
                await ask(program.port, shown),
                await ask(program.port, shown, method="DELETE"),
                await ask(program.port, shown, target="/x/%2e%2e/admin"),
                await ask(program.port, shown, "Content-Length: 11", method="POST"),
            ]
    assert [
        *("401 key_required", "401 key_required", "200", "405 method_not_allowed"),
        *("403 path_not_allowed", "413 body_too_large"),
    ] == list(map(code_of, answers))
    assert b'\r\nWWW-Authenticate: ApiKey header="X-Api-Key"\r\n' in answers[0]
    assert b"\r\nAllow: GET, HEAD, OPTIONS, POST\r\n" in answers[3]
    [head] = service.heads
    assert b"apk_" not in head


async def test_a_body_of_unknown_length_is_cut_off_at_the_bound(tmp_path: Path) -> None:
    async with raw_service(always(OK)) as service:
        text = (
            'listen = "127.0.0.1:0"\n[limits]\nbody_bytes = 10\nconnections_per_client = 1\n'
            f'[services.a]\nurl = "{service.url}"\n{NONE}'
        )
        async with configured(tmp_path, text) as program:
            reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
            writer.write(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            writer.write(b"8\r\n12345678\r\n8\r\n12345678\r\n")
            async with asyncio.timeout(10):
                answer = await reader.readuntil(b"\r\n\r\n")
                one_too_many = await ask(program.port)
            writer.close()
    assert "413 body_too_large" == code_of(answer)
    assert "503 too_many_connections" == code_of(one_too_many)


LAUNCHER = """
import os, socket, sys
sock = socket.create_server(("127.0.0.1", 0))
os.dup2(sock.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"}
print(sock.getsockname()[1], flush=True)
os.execv(sys.executable, [sys.executable, "-m", "authproxy", *sys.argv[1:]])
"""


async def test_a_socket_that_systemd_has_opened_is_served() -> None:
    async with raw_service(always(OK)) as service:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", LAUNCHER, service.url, "-l", "systemd:web"),
            *("--credentials", "none", "--log-format", "text"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
            answer = await ask(port)  # the kernel takes it before authproxy is there
            ready = await process.stderr.readline()
        process.terminate()
        await process.communicate()
    assert "200" == code_of(answer)
    assert f"authproxy: http://127.0.0.1:{port} -> {service.url}\n".encode() == ready
