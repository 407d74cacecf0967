import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from authproxy.admin_file import AdminFile, write
from authproxy.commands import check_running, status
from authproxy.commands.admin_target import NoAdminError, find_admin
from authproxy.exchange import Secret

OURS = b"HTTP/1.1 421 Misdirected Request\r\nX-Authproxy-Error: host_not_allowed\r\n\r\n"
NEXT = "; is authproxy running? If it listens elsewhere, name that address: authproxy status ADDR"
THEIRS = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def answering(listener: socket.socket, *parts: bytes) -> Iterator[list[bytes]]:
    """Answers one request with these parts and closes; what it was asked is in the list."""
    asked: list[bytes] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(4096))
            for part in parts:
                connection.sendall(part)

    thread = threading.Thread(target=answer)
    thread.start()
    with listener:
        yield asked
        thread.join()


def on_a_port(family: socket.AddressFamily = socket.AF_INET) -> tuple[socket.socket, int]:
    listener = socket.create_server(
        ("127.0.0.1" if family == socket.AF_INET else "::1", 0), family=family
    )
    return listener, listener.getsockname()[1]


def run(
    address: str | None, environ: dict[str, str] | None = None, timeout_s: float = status.TIMEOUT_S
) -> tuple[int, str]:
    said: list[str] = []
    code = status.run(address, environ or {}, said.append, timeout_s=timeout_s)
    [line] = said
    return code, line


def test_an_authproxy_is_recognised_without_its_service_hearing_of_it() -> None:
    listener, port = on_a_port()

    with answering(listener, OURS[:30], OURS[30:]) as asked:
        assert (0, f"authproxy answers at 127.0.0.1:{port}") == run(f"127.0.0.1:{port}")

    assert [b"GET / HTTP/1.1\r\nHost: authproxy.invalid\r\nConnection: close\r\n\r\n"] == asked


@pytest.mark.parametrize("answer", [THEIRS, b"", b"SSH-2.0-OpenSSH\r\n", b"x" * 70_000])
def test_another_program_is_not_taken_for_authproxy(answer: bytes) -> None:
    listener, port = on_a_port()

    with answering(listener, answer):
        code, line = run(f"127.0.0.1:{port}")

    assert code == 1
    assert line.startswith("authproxy: ")


def test_what_another_program_answers_is_told_apart() -> None:
    listener, port = on_a_port()

    with answering(listener, THEIRS):
        assert (
            1,
            f"authproxy: something answers at 127.0.0.1:{port}, but it is not authproxy",
        ) == run(f"127.0.0.1:{port}")


def test_nobody_there_is_a_failure() -> None:
    listener, port = on_a_port()
    listener.close()

    assert (
        1,
        f"authproxy: nothing answers at 127.0.0.1:{port}: Connection refused{NEXT}",
    ) == run(f"127.0.0.1:{port}")


def test_one_that_never_answers_is_given_up() -> None:
    listener, port = on_a_port()

    with listener:
        assert (
            1,
            f"authproxy: nothing answers at 127.0.0.1:{port}: it took too long{NEXT}",
        ) == run(f"127.0.0.1:{port}", timeout_s=0.05)


def test_a_unix_socket_is_asked_as_well(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()

    with answering(listener, OURS):
        assert (0, f"authproxy answers at unix:{tmp_path}/s") == run(f"unix:{tmp_path}/s")


def test_a_unix_socket_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    code, line = run(f"unix:{tmp_path}/s")

    assert code == 1
    assert line.endswith(f": No such file or directory{NEXT}")


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({"AUTHPROXY_LISTEN": "127.0.0.1:{port}, 0.0.0.0:1"}, None),
        ({"AUTHPROXY_LISTEN": "0.0.0.0", "PORT": "{port}"}, None),
        ({"PORT": "{port}"}, None),
        ({"PORT": "{port}"}, "127.0.0.1"),
        ({"AUTHPROXY_LISTEN": "1", "PORT": "1"}, "localhost:{port}"),
    ],
)
def test_the_listener_is_found_as_authproxy_itself_finds_it(
    environ: dict[str, str], address: str | None
) -> None:
    listener, port = on_a_port()
    filled = {name: value.format(port=port) for name, value in environ.items()}

    with answering(listener, OURS):
        code, _ = run(address and address.format(port=port), filled)

    assert code == 0


def test_every_address_of_version_six_means_its_loopback() -> None:
    listener, port = on_a_port(socket.AF_INET6)

    with answering(listener, OURS):
        assert (0, f"authproxy answers at [::1]:{port}") == run(f"[::]:{port}")


def test_the_default_is_the_default_listener() -> None:
    listen, in_tls = status.find_target(None, {})

    assert ("localhost:8080", False) == (str(listen), in_tls)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "http"}, '"http" is not a port; write a number from 0 to 65535'),
        (
            {"AUTHPROXY_LISTEN": "a b"},
            '"a b" is not an address; write HOST:PORT, PORT, [IPV6]:PORT or unix:PATH',
        ),
    ],
)
def test_what_is_no_address_is_a_mistake_in_usage(environ: dict[str, str], sentence: str) -> None:
    assert (2, f"authproxy: {sentence}") == run(None, environ)


def test_a_health_check_imports_no_library() -> None:
    """A container runs it every few seconds."""
    code = (
        "import sys, runpy\n"
        "sys.argv = ['authproxy', 'status', 'unix:/proc/nowhere']\n"
        "try: runpy.run_module('authproxy', run_name='__main__')\n"
        "except SystemExit as exit: print(exit.code)\n"
        "print(sorted({'click', 'pydantic', 'aiohttp', 'asyncio', 'ssl'} & set(sys.modules)))\n"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert [
        f"authproxy: nothing answers at unix:/proc/nowhere: No such file or directory{NEXT}",
        "1",
        "[]",
    ] == found.stdout.splitlines()


ADMIN = AdminFile(url="http://127.0.0.1:4041", key=Secret("k"))


@pytest.mark.parametrize(
    ("address", "environ", "running", "found"),
    [
        (None, {}, 0, ("localhost:8080", False)),
        (None, {}, 1, ("127.0.0.1:4041", True)),
        (None, {"PORT": "1"}, 1, ("localhost:1", False)),
        (None, {"AUTHPROXY_LISTEN": "0.0.0.0:2"}, 1, ("127.0.0.1:2", False)),
        (None, {"AUTHPROXY_ADMIN": "0.0.0.0:4040", "PORT": "1"}, 1, ("127.0.0.1:4040", True)),
        (None, {"AUTHPROXY_ADMIN": "unix:/run/a", "PORT": "1"}, 0, ("unix:/run/a", True)),
        (None, {"AUTHPROXY_ADMIN": "off"}, 1, ("127.0.0.1:4041", True)),
        (None, {"AUTHPROXY_ADMIN": "127.0.0.1:0"}, 1, ("127.0.0.1:4041", True)),
        ("127.0.0.1:3", {"AUTHPROXY_ADMIN": "4040"}, 1, ("127.0.0.1:3", False)),
        ("http://127.0.0.1:3/", {}, 1, ("127.0.0.1:3", False)),
    ],
)
def test_who_is_asked_is_found_from_the_nearest_to_the_farthest(
    address: str | None,
    environ: dict[str, str],
    running: int,
    found: tuple[str, bool],
    tmp_path: Path,
) -> None:
    where = {"XDG_RUNTIME_DIR": str(tmp_path)}
    if running:
        write(ADMIN, where)
    target = status.find(address, where | environ)

    assert found == (str(target.listen), target.is_admin)


def test_of_several_that_run_one_must_be_named(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    path = write(ADMIN, environ)
    assert path is not None
    (path.parent / f"{os.getppid()}.admin").write_text("http://127.0.0.1:4042\nk\n")
    code, line = run(None, environ)

    assert 2 == code
    assert "several run here; say which: authproxy status 127.0.0.1:404" in line


def test_a_key_is_shown_to_the_one_that_it_is_for_only(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    write(ADMIN, environ)

    assert ADMIN.key == status.find(None, environ | {"AUTHPROXY_ADMIN": "127.0.0.1:4041"}).key
    assert ADMIN.key == status.find(None, environ | {"AUTHPROXY_ADMIN": "[::1]:4041"}).key
    for other in ("127.0.0.1:4042", "192.0.2.1:4041", "a.example:4041"):
        assert None is status.find(None, environ | {"AUTHPROXY_ADMIN": other}).key


NO_KEY = b"HTTP/1.1 401 No\r\nX-Authproxy-Error: key_required\r\n\r\n{}"
ELSEWHERE = (
    b"HTTP/1.1 403 No\r\nX-Authproxy-Error: address_not_allowed\r\n\r\n"
    b'{"message": "Only for this machine.", "hint": "Ask from there."}'
)


@pytest.mark.parametrize(
    ("answer", "environ", "code", "said"),
    [
        (NO_KEY, {}, 0, "requires the admin key: run this as the same user as authproxy"),
        (
            NO_KEY,
            {"AUTHPROXY_ADMIN_KEY": "env:K", "K": "hunter2"},
            1,
            "refuses this admin key; set",
        ),
        (ELSEWHERE, {}, 0, "does not show how it is doing: Only for this machine. Ask from there."),
        (ELSEWHERE, {"AUTHPROXY_ADMIN_KEY": "env:K", "K": "hunter2"}, 1, "Only for this machine."),
    ],
)
def test_a_key_that_is_refused_is_a_failure_and_one_that_is_missing_is_not(
    answer: bytes, environ: dict[str, str], code: int, said: str
) -> None:
    listener, port = on_a_port()
    with answering(listener, answer):
        found, line = run(None, {"AUTHPROXY_ADMIN": f"127.0.0.1:{port}"} | environ)

    assert (code, True) == (found, said in line)
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (
            "hunter2",
            "a key must not be written here; put it into an environment variable or a file, and"
            " write env:NAME or file:PATH",
        ),
        ("env:NOT_THERE", "the environment variable NOT_THERE is not set"),
        ("file:/proc/nowhere/key", "/proc/nowhere/key"),
        ("secret:projects/acme-prod/secrets/key", "write env:NAME or file:PATH"),
    ],
)
def test_what_is_no_place_of_a_key_is_a_mistake_and_not_dropped(key: str, sentence: str) -> None:
    """By all that show the admin key: status, tail, check --running."""
    environ = {"AUTHPROXY_ADMIN": "127.0.0.1:1", "AUTHPROXY_ADMIN_KEY": key}
    code, line = run(None, environ)
    said: list[str] = []
    of_check = check_running.run(None, environ, said.append)
    with pytest.raises(NoAdminError) as of_tail:
        find_admin(None, environ, "tail")

    assert (2, 2, 2) == (code, of_check, of_tail.value.code)
    assert line == said[0] == f"authproxy: {of_tail.value}"
    assert line.startswith("authproxy: environment: AUTHPROXY_ADMIN_KEY: ")
    assert sentence in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}\n", 0, "{}"),
        (b'HTTP/1.1 503 No\r\n\r\n{"status": "draining"}\n', 1, '{"status": "draining"}'),
        (b"HTTP/1.1 404 No\r\n\r\n", 1, "authproxy: the answer to /readiness is 404"),
        (b"HTTP/1.1 503 No\r\nX-Authproxy-Error: x\r\n\r\n", 1, "authproxy: the answer"),
        (b"SSH-2.0-OpenSSH\r\n", 1, "authproxy: the answer to /readiness is none"),
    ],
)
def test_ready_is_told_by_the_exit_code(answer: bytes, code: int, said: str) -> None:
    listener, port = on_a_port()
    lines: list[str] = []
    with answering(listener, answer) as asked:
        found = status.run(
            None,
            {"AUTHPROXY_ADMIN": f"127.0.0.1:{port}"},
            lines.append,
            wanted=status.StatusWanted(ready=True),
        )

    assert code == found
    assert lines[0].startswith(said)
    assert asked[0].startswith(b"GET /readiness HTTP/1.1\r\nHost: localhost\r\n")


@pytest.mark.parametrize(
    "body",
    [
        *(b"hello", b"", b"\xff", b"{}", b"[]", b"null", b"[" * 100_000, b'{"services": 1}'),
        *(b'{"ready": true, "services": [1]}', b'{"services": [{}]}', b'{"services": []}'),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_report_that_is_none_is_said_to_be_none(body: bytes, as_json: bool) -> None:
    listener, port = on_a_port()
    lines: list[str] = []
    with answering(listener, b"HTTP/1.1 200 OK\r\n\r\n", body):
        code = status.run(
            None,
            {"AUTHPROXY_ADMIN": f"127.0.0.1:{port}"},
            lines.append,
            wanted=status.StatusWanted(json=as_json),
        )

    why = f"what answers at 127.0.0.1:{port} is not an authproxy of this version"
    assert (1, [f"authproxy: {why}"]) == (code, lines)


def test_a_terminal_obeys_no_answer() -> None:
    listener, port = on_a_port()
    lines: list[str] = []
    with answering(listener, "HTTP/1.1 200 OK\r\n\r\n\x1b[2Jready\u202e\n".encode()):
        status.run(
            None,
            {"AUTHPROXY_ADMIN": f"127.0.0.1:{port}"},
            lines.append,
            wanted=status.StatusWanted(ready=True),
        )

    assert ["\\u001b[2Jready\\u202e"] == lines
