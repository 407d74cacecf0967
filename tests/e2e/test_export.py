"""What is exported does as authproxy does: each request is sent to both, and the same comes of it.

What an engine does by itself, and before anybody can be asked, stands in DIFFERENT.
"""

import asyncio
import signal
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
import trustme

from authproxy.authorizer.envoy_messages import CheckRequest, CheckResponse
from authproxy.authorizer.grpc_form import SERVICE
from authproxy.demo.world import World
from tests.support.behind import free_port
from tests.support.certificates import write_pair
from tests.support.engines import started
from tests.support.exported import CHECKS, COMMANDS, ENDS, KEY, TOKENS, Outcome, both, exported
from tests.support.program import Program
from tests.support.raw import Call

pytestmark = pytest.mark.outside
every_engine = pytest.mark.parametrize("engine", COMMANDS)

CONFIG = """
listen = ["{listen}"]
hosts = ["gw.example.com"]
trusted_proxies = ["127.0.0.1"]
allow = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]
deny = ["10.0.0.66"]

[keys.ci]
sha256 = "{key}"
paths = ["/", "/invoices"]

[services.billing]
url = "{billing}"
credentials = "token-env:TOKEN_BILLING"
hosts = ["billing.example.com"]
path = "/billing"
strip_path = {strip}
deny_paths = ["/admin"]
methods = ["GET", "POST", "PUT"]
deny = ["10.0.9.0/24"]
api_key = "env:BILLING_KEY"
api_key_header = "X-Partner-Key"
add_headers = ["X-Env: a $b {{c}} %REQ(host)% \\"q\\" \\\\"]
remove_headers = ["X-Debug"]

[services.web]
url = "{web}{base}"
credentials = "token-env:TOKEN_WEB"
token_header = "X-Token"
path = "/"

[timeouts]
head = 3
"""


def ask(
    target: str = "/",
    *fields: str,
    method: str = "GET",
    host: str | None = "billing.example.com",
    key: str = KEY,
    version: str = "1.1",
    body: bytes = b"",
) -> bytes:
    lines = [f"{method} {target} HTTP/{version}", *([f"Host: {host}"] if host is not None else [])]
    lines += [*fields, "Connection: close", *([f"X-Api-Key: {key}"] if key else [])]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def configured(moves: bool, engine: str = "") -> str:
    """`moves`: services get other paths than clients ask for, in all ways that the engine has."""
    base = "" if engine == "caddy" or not moves else "/base"
    how = {"{strip}": "true" if moves else "false", "{base}": base}
    text = CONFIG
    for name, value in how.items():
        text = text.replace(name, value)
    return text


def by(client: str) -> str:
    return f"X-Forwarded-For: {client}"


REQUESTS: Mapping[str, bytes] = {
    "plain": ask("/invoices?a=b&c=%20"),
    "post": ask("/invoices", method="POST", body=b"x" * 1000),
    "head": ask("/invoices", method="HEAD"),
    "method refused": ask("/invoices", method="DELETE"),
    "method of its own": ask("/invoices", method="PURGE"),
    "method in lower case": ask("/invoices", method="get"),
    "trace": ask("/", method="TRACE"),
    "options": ask("/", method="OPTIONS", host="gw.example.com"),
    "http/1.0": ask("/invoices", version="1.0"),
    "no key": ask("/", key=""),
    "wrong key": ask("/", key="w" * 40),
    "two keys": ask("/", f"X-Api-Key: {KEY}"),
    "key in another spelling": ask("/", f"X_Api_Key: {KEY}"),
    "path refused": ask("/admin"),
    "path below a refused one": ask("/admin/x"),
    "path refused in capitals": ask("/ADMIN"),
    "path refused, encoded": ask("/%61dmin"),
    "path refused by dots": ask("/x/../admin"),
    "path refused by encoded dots": ask("/x/%2e%2e/admin"),
    "path refused by two slashes": ask("//admin"),
    "path refused by an encoded slash": ask("/x%2f..%2fadmin"),
    "path refused by a parameter": ask("/admin;a=b"),
    "path like a refused one": ask("/administrator"),
    "dots": ask("/a/./b/../c"),
    "dots at the end": ask("/a/.."),
    "two slashes": ask("//a//b/"),
    "encoded slash": ask("/a%2Fb%2fc"),
    "encoded percent": ask("/a%25b"),
    "percent alone": ask("/a%zz"),
    "encoded letters": ask("/%69nvoices"),
    "signs": ask("/~a!$&'()*+,;=:@-._"),
    "question mark alone": ask("/invoices?"),
    "two question marks": ask("/a??b?c"),
    "not ascii": ask("/\xe4\xf6"),
    "backslash": ask("/a\\b"),
    "a long one": ask("/" + "x" * 4000),
    "a fragment": ask("/invoices#x"),
    "a query with dots": ask("/a?/../admin"),
    "shared name": ask("/billing/invoices", host="gw.example.com"),
    "shared name, prefix alone": ask("/billing", host="gw.example.com"),
    "shared name, prefix with a query": ask("/billing?a=b", host="gw.example.com"),
    "shared name, prefix with a slash": ask("/billing/", host="gw.example.com"),
    "shared name, longer first part": ask("/billingx", host="gw.example.com"),
    "shared name, prefix in capitals": ask("/Billing/x", host="gw.example.com"),
    "shared name, prefix encoded": ask("/b%69lling/x", host="gw.example.com"),
    "shared name, out of the prefix": ask("/billing/../x", host="gw.example.com"),
    "shared name, into the prefix": ask("/x/../billing/y", host="gw.example.com"),
    "shared name, two slashes": ask("//billing/x", host="gw.example.com"),
    "shared name, encoded slash": ask("/billing%2fx", host="gw.example.com"),
    "shared name, path refused": ask("/billing/admin", host="gw.example.com"),
    "shared name, other service": ask("/invoices", host="gw.example.com"),
    "localhost": ask("/billing/x", host="localhost"),
    "localhost with a port": ask("/billing/x", host="localhost:8080"),
    "name below localhost": ask("/invoices", host="billing.localhost"),
    "other name below localhost": ask("/invoices", host="web.localhost"),
    "unknown name below localhost": ask("/invoices", host="nobody.localhost"),
    "loopback address": ask("/invoices", host="127.0.0.1"),
    "other loopback address": ask("/invoices", host="127.9.8.7:80"),
    "loopback of IPv6": ask("/invoices", host="[::1]:8080"),
    "address": ask("/invoices", host="192.0.2.1"),
    "host in capitals": ask("/invoices", host="BILLING.Example.COM"),
    "host with a port": ask("/invoices", host="billing.example.com:8080"),
    "host with a dot": ask("/invoices", host="billing.example.com."),
    "host unknown": ask("/invoices", host="evil.example"),
    "host below ours": ask("/invoices", host="x.billing.example.com"),
    "host like ours": ask("/invoices", host="billing.example.com.evil.example"),
    "host missing": ask("/invoices", host=None),
    "host empty": ask("/invoices", host=""),
    "host twice": ask("/invoices", "Host: evil.example"),
    "host with a path": ask("/invoices", host="billing.example.com/x"),
    "host with a user": ask("/invoices", host="me@billing.example.com"),
    "absolute target": ask("http://billing.example.com/invoices"),
    "absolute target of another": ask("http://evil.example/invoices"),
    "absolute target, other service": ask("http://web.localhost/invoices"),
    "client let in": ask("/invoices", by("10.1.2.3")),
    "client not let in": ask("/invoices", by("192.0.2.1")),
    "client refused": ask("/invoices", by("10.0.0.66")),
    "client refused by the service": ask("/invoices", by("10.0.9.9")),
    "client of another service": ask("/invoices", by("10.0.9.9"), host="web.localhost"),
    "client by IPv6": ask("/invoices", by("2001:db8::7")),
    "client by IPv6 not let in": ask("/invoices", by("2001:db9::7")),
    "client by a mapped address": ask("/invoices", by("::ffff:10.1.2.3")),
    "client with what it made up": ask("/invoices", by("10.1.2.3, 192.0.2.1")),
    "client behind two proxies": ask("/invoices", by("192.0.2.1, 10.1.2.3, 127.0.0.1")),
    "client in two fields": ask("/invoices", by("192.0.2.1"), by("10.1.2.3")),
    "client unreadable": ask("/invoices", by("unknown")),
    "client unreadable, then a proxy": ask("/invoices", by("x, 127.0.0.1")),
    "client by Forwarded": ask("/invoices", "Forwarded: for=192.0.2.1"),
    "client said otherwise by Forwarded": ask("/invoices", by("10.1.2.3"), "Forwarded: for=x"),
    "client let in, host unknown": ask("/", by("192.0.2.1"), host="evil.example"),
    "another site": ask("/invoices", "Origin: https://evil.example"),
    "its own site": ask("/invoices", "Origin: http://billing.example.com"),
    "another site by fetch": ask("/x", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"),
    "a token of its own": ask("/invoices", "Authorization: Basic bWU6bXk="),
    "an invented token": ask("/", "X-Serverless-Authorization: Bearer x", "X_Token: x"),
    "an invented token of web": ask("/", "X-Token: x", "X_Token: y", host="web.localhost"),
    "an own token of web": ask("/", "Authorization: Basic bWU6bXk=", host="web.localhost"),
    "override of the method": ask("/", "X-HTTP-Method-Override: DELETE"),
    "override of the path": ask("/", "X-Original-URL: /admin"),
    "what a proxy says": ask(
        "/", "X-Forwarded-Host: evil", "X-Forwarded-Proto: gopher", "X-Scheme: x"
    ),
    "what a proxy says otherwise": ask("/", "X_Forwarded_For: 1.2.3.4", "X-Forwarded-Port: 1"),
    "what is removed": ask("/", "X-Debug: 1", "X_Debug: 2", "X-Env: mine", "X-Partner-Key: mine"),
    "own fields": ask("/", "X-Own: a", "X_Own: b", "x-own.2: c", "Cookie: a=b", "Accept: */*"),
    "fields with signs": ask("/", 'X-Own: $host {http.request.host} %REQ(host)% "\\'),
    "length and chunks": ask("/", "Transfer-Encoding: chunked", "Content-Length: 3", method="POST"),
    "connection names the token": ask("/", "Connection: Authorization, X-Partner-Key"),
    "connection names an own field": ask("/", "Connection: X-Own", "X-Own: a"),
    "credentials for a proxy": ask("/", "Proxy-Authorization: Basic bWU6bXk="),
    "said to a proxy alone": ask("/", "Proxy-Connection: keep-alive", "Keep-Alive: timeout=5"),
    "said to a proxy alone, answers": ask("/", "Proxy-Authenticate: Basic", "TE: gzip"),
    "its connection's, in another spelling": ask("/", "Proxy_Authorization: x", "Keep_Alive: x"),
    "another method said": ask("/", "X-Forwarded-Method: GET", method="DELETE"),
    "another method said otherwise": ask("/", "X_Forwarded_Method: GET", method="DELETE"),
    "another target said": ask("/admin", "X-Forwarded-Uri: /invoices"),
    "another target said otherwise": ask("/admin", "X_Forwarded_Uri: /invoices"),
    "another host said": ask("/", "X-Forwarded-Host: web.localhost"),
    "the client said to the authorizer": ask("/", by("10.0.0.66"), "x-authproxy-client: 10.1.2.3"),
    "what the authorizer answers": ask(
        "/",
        "X-Authproxy-Service: billing",
        "X-Authproxy-Told-For: 1.2.3.4",
        "X-Authproxy-Target: /x",
    ),
    "hops said": ask("/", "X-Authproxy-Hops: a"),
    "key as a token": ask("/", f"Authorization: Bearer {KEY}", key=""),
    "key as a token of another kind": ask("/", f"X-Serverless-Authorization: Bearer {KEY}", key=""),
    "http2-settings": ask("/", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    "another upgrade": ask("/", "Upgrade: h2c"),
}

DIFFERENT: Mapping[str, Mapping[str, str]] = {
    "nginx": {
        "method in lower case": "405 -> 400",
        "percent alone": "200 -> 400",
        "its own site": "origin",
        "absolute target, other service": "200 -> 500",
        "connection names an own field": "x-own",
        "another method said": "403 -> 405",
    },
    "caddy": {
        "a fragment": "400 -> 200",
        "percent alone": "200 -> 400",
        "not ascii": "line",
        "backslash": "line",
        "client by a mapped address": "200 -> 403",
        "its own site": "origin",
        "an invented token": "x_token",
        "own fields": "x-own.2, x_own",
        "length and chunks": "400 -> 200",
        "connection names the token": "200 -> 400",
        "another method said": "403 -> 405",
        "another method said otherwise": "403 -> 405",
        "what the authorizer answers": "x-authproxy-service, x-authproxy-told-for",
    },
    "envoy": {
        "method in lower case": "405 -> 400",
        "options": "content-length",
        "not ascii": "200 -> 400",
        "host with a dot": "200 -> 421",
        "client by a mapped address": "200 -> 403",
        "its own site": "origin",
        "another method said": "403 -> 405",
    },
}
"""By engine: requests of which something else comes, and what: a refusal, or a field."""
MOVED: Mapping[str, Mapping[str, str]] = {"nginx": {"not ascii": "line"}, "envoy": {}, "caddy": {}}
"""Further ones where services get other paths than clients ask for."""


def told(outcome: Outcome) -> dict[str, object]:
    """What must be the same."""
    if not outcome.service:
        return {"status": outcome.status}
    fields = {
        name: sorted(outcome.values(name)) for name in sorted(outcome.names - {"connection", "via"})
    }
    return {"status": outcome.status, "service": outcome.service, "line": outcome.line, **fields}


def differences(ours: Mapping[str, object], theirs: Mapping[str, object]) -> str:
    """What the service got otherwise; the statuses where one of the two has refused the request."""
    if len(ours) == 1 or len(theirs) == 1:
        return "" if ours == theirs else f"{ours['status']} -> {theirs['status']}"
    keys = sorted(key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
    return ", ".join(keys)


def secrets_in(outcome: Outcome) -> list[str]:
    return [name for name, token in TOKENS.items() if token.encode() in outcome.answer]


@every_engine
@pytest.mark.parametrize("moves", [False, True], ids=["as it came", "moved"])
async def test_the_same_comes_of_each_request(engine: str, moves: bool, tmp_path: Path) -> None:
    different: dict[str, str] = {}
    leaked, crossed = list[str](), list[str]()
    async with both(engine, tmp_path, configured(moves, engine)) as places:
        for name, request in REQUESTS.items():
            ours = await places.ask(request, through_engine=False)
            theirs = await places.ask(request, through_engine=True)
            said = differences(told(ours), told(theirs))
            if said:
                different[name] = said
            leaked += [name for each in (ours, theirs) if secrets_in(each)]
            others = [t for n, t in TOKENS.items() if n != theirs.service]
            crossed += [name for t in others if t.encode() in theirs.head]

    assert [] == leaked
    assert [] == crossed
    known = {**DIFFERENT[engine], **(MOVED[engine] if moves else {})}
    assert known == different, "\n".join(map(str, different.items()))


REMOVED = ("x-$a", "x-`b", "x-'c", "x|d", "x~e", "#f", "+g", "!h", "x_a", "x-b")
SIGNS = """
listen = ["{listen}"]
trusted_proxies = ["127.0.0.1"]
hosts = ["default", "hostnames"]
key_header = "<shown>"

[keys.ci]
sha256 = "{key}"

[services.default]
url = "{billing}"
credentials = "token-env:TOKEN_BILLING"
remove_headers = [<removed>]
path = "/a$x~b'c"
strip_path = true

[services.include]
url = "{web}"
credentials = "token-env:TOKEN_WEB"
path = "/volatile"
"""


@every_engine
async def test_names_with_signs_of_the_engines_syntax_mean_themselves(
    engine: str, tmp_path: Path
) -> None:
    # nginx takes no such names for what it is to take away: see tests/test_export_checks.py.
    names, shown = (REMOVED, "X-$k|'") if engine != "nginx" else (("x_a", "x-b"), "X-K")
    config = SIGNS.replace("<removed>", ", ".join(f'"{each}"' for each in names))
    config = config.replace("<shown>", shown)
    fields = [f"{name}: 1" for name in REMOVED]
    key = f"{shown}: {KEY}"
    requests = [
        ask("/a$x~b'c/y", *fields, key, host="hostnames", key=""),
        ask("/ax~b'c/y", key, host="hostnames", key=""),
        ask("/volatile/y", key, host="default", key=""),
        ask("/y", key, host="include.localhost", key=""),
        ask("/a$x~b'c/y", *fields, host="default"),
    ]
    async with both(engine, tmp_path, config) as places:
        for request in requests:
            ours = await places.ask(request, through_engine=False)
            theirs = await places.ask(request, through_engine=True)

            assert told(ours) == told(theirs)
            assert KEY.encode() not in theirs.head


@every_engine
async def test_the_engine_itself_takes_the_file(engine: str, tmp_path: Path) -> None:
    async with both(engine, tmp_path, configured(True, engine)) as places:
        command = CHECKS[engine](COMMANDS[engine](places.file))
        checked = await asyncio.create_subprocess_exec(
            *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await checked.communicate()

    assert 0 == checked.returncode, said.decode()
    assert b"warn" not in said.lower(), said.decode()


@every_engine
async def test_nothing_passes_while_the_authorizer_is_slow_or_down(
    engine: str, tmp_path: Path
) -> None:
    async with both(engine, tmp_path, configured(False) + "token = 0.1\n") as places:
        up = await places.ask(ask("/invoices"), through_engine=True)
        places.program.signal(signal.SIGSTOP)
        slow = await places.ask(ask("/invoices"), through_engine=True)
        places.program.signal(signal.SIGKILL)
        await places.program.wait()
        down = await places.ask(ask("/invoices"), through_engine=True)

    assert (200, "billing") == (up.status, up.service)
    assert "" == slow.service
    assert "" == down.service
    assert 500 <= slow.status < 600
    assert 500 <= down.status < 600


async def upgraded(call: Call) -> None:
    """Says yes to an upgrade, and what it hears."""
    await call.read_head()
    await call.say(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    while heard := await call.reader.read(1000):
        await call.say(heard)


@every_engine
async def test_a_websocket_goes_both_ways(engine: str, tmp_path: Path) -> None:
    async with both(engine, tmp_path, configured(False), upgraded) as places:
        reader, writer = await asyncio.open_connection("127.0.0.1", places.engine_port)
        lines = [
            "GET /ws HTTP/1.1",
            "Host: web.localhost",
            "Upgrade: websocket",
            f"X-Api-Key: {KEY}",
        ]
        lines += [
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: " + "A" * 22 + "==",
        ]
        async with asyncio.timeout(20):
            writer.write("\r\n".join([*lines, "", ""]).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"hello")
            said = await reader.readexactly(5)
        writer.close()
        [got] = places.services["web"].heads

    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"hello" == said
    assert TOKENS["web"].encode() in got
    assert KEY.encode() not in got


async def misled(call: Call) -> None:
    """A service that tries to lead nginx to the question, and speaks in our name."""
    while await call.read_head():
        told = b"X-Accel-Redirect: /authproxy/question\r\nX-Authproxy-Error: no_route\r\n"
        await call.say(b"HTTP/1.1 200 OK\r\n" + told + b"Content-Length: 2\r\n\r\nok")


@every_engine
async def test_a_service_cannot_lead_the_engine_to_a_token(engine: str, tmp_path: Path) -> None:
    async with both(engine, tmp_path, configured(False), misled) as places:
        outcome = await places.ask(ask("/invoices"), through_engine=True)

    assert outcome.answer.endswith(b"\r\n\r\nok"), outcome.answer
    assert [] == secrets_in(outcome)
    assert b"no_route" not in outcome.answer


@every_engine
async def test_what_is_inside_the_engine_cannot_be_asked_for(engine: str, tmp_path: Path) -> None:
    async with both(engine, tmp_path, configured(False)) as places:
        inside = ("/authproxy/question", "/authproxy/to/web", "/authproxy/nowhere")
        outcomes = [await places.ask(ask(each), through_engine=True) for each in inside]

    assert [*inside] == [each.line.split()[1].decode() for each in outcomes]
    assert {"billing"} == {each.service for each in outcomes}


@every_engine
async def test_tls_on_both_sides_by_files_of_any_name(
    engine: str, world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "a \"b\\ c;d'e #"
    folder.mkdir()
    authority = trustme.CA()
    pair = write_pair(folder, "localhost", "billing.localhost", authority=authority)
    (folder / "ca.pem").write_bytes(world.ca_file.read_bytes())
    port, asked = free_port(), free_port()
    form = "grpc" if engine == "envoy" else "listen"
    file = folder / "authproxy.toml"
    file.write_text(
        f'listen = "127.0.0.1:{port}"\ntrusted_proxies = ["127.0.0.1"]\n'
        f'tls_cert_file = "{pair.both.name}"\n'
        f'[authorizer]\n{form} = "127.0.0.1:{asked}"\n'
        f'[services.billing]\nurl = "{world.url}"\ncredentials = "metadata"\nca_file = "ca.pem"\n'
    )
    made = tmp_path / f"exported{ENDS[engine]}"
    made.write_text(await exported(engine, file, world.environment))
    command = COMMANDS[engine](made)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with (
        Program("-c", file, "--listen", "127.0.0.1:0", environ=world.environment),
        started(port, tmp_path / "log", *command),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session,
        session.get(f"https://localhost:{port}/whoami") as answer,
    ):
        status, said = answer.status, await answer.text()

    assert (200, "demo@") == (status, said[:5])


async def http_yes(asked: int) -> AsyncExitStack:
    """An authorizer whose yes is about another service than the one that was asked for."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        said = ["HTTP/1.1 200 OK", "X-Authproxy-Service: web", "X-Authproxy-Target: /x"]
        said += [f"Authorization: Bearer {TOKENS['web']}", "Connection: close", "Content-Length: 0"]
        writer.write("\r\n".join([*said, "", ""]).encode())
        await writer.drain()
        writer.close()

    stack = AsyncExitStack()
    await stack.enter_async_context(await asyncio.start_server(talk, "127.0.0.1", asked))
    return stack


async def grpc_yes(asked: int) -> AsyncExitStack:
    """The same, for Envoy."""

    async def check(_request: Any, _context: Any) -> Any:
        response = CheckResponse()
        response.dynamic_metadata.fields["service"].string_value = "web"
        return response

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        check, CheckRequest.FromString, CheckResponse.SerializeToString
    )
    service = grpc.method_handlers_generic_handler(SERVICE, {"Check": handler})
    server.add_generic_rpc_handlers((service,))
    server.add_insecure_port(f"127.0.0.1:{asked}")
    await server.start()
    stack = AsyncExitStack()
    stack.push_async_callback(server.stop, None)
    return stack


@every_engine
async def test_a_yes_for_another_service_lets_nothing_pass(engine: str, tmp_path: Path) -> None:
    async with both(engine, tmp_path, configured(False)) as places:
        places.program.signal(signal.SIGKILL)
        await places.program.wait()
        async with await (grpc_yes if engine == "envoy" else http_yes)(places.asked):
            crossed = await places.ask(ask("/invoices"), through_engine=True)
            right = await places.ask(ask("/x", host="web.localhost"), through_engine=True)

    assert "" == crossed.service
    assert crossed.status >= 400
    assert [] == secrets_in(crossed)
    assert (200, "web") == (right.status, right.service)
