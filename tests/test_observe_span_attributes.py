import importlib
import pkgutil
from types import ModuleType

import opentelemetry.semconv._incubating.attributes as incubating
import opentelemetry.semconv.attributes as stable
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.semconv.attributes.http_attributes import HttpRequestMethodValues

from authproxy.errors import Code
from authproxy.exchange import NO_TOKEN, Exchange, SentHead, make_field
from authproxy.observe.span_attributes import (
    METHODS,
    Attributes,
    RpcCall,
    client_attributes,
    client_ending,
    find_call,
    has_answer,
    known_method,
    server_attributes,
    server_ending,
    span_name,
)
from tests.support.exchanges import exchange

AGENT = make_field(b"User-Agent", b"curl/8")


def sent(target: bytes = b"/a/b?key=hunter2", origin: str = "https://billing.run.app") -> SentHead:
    return SentHead(
        origin=origin,
        method=b"GET",
        target=target,
        version="1.1",
        raw=b"Authorization: hunter2\r\n",
        token_line=b"Authorization: Bearer a.b.c",
        token=NO_TOKEN,
        secret_names=frozenset(),
        opening=None,
    )


def constants(package: ModuleType) -> set[str]:
    found = set()
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        found |= {value for value in vars(loaded).values() if isinstance(value, str)}
    return found


def answered(made: Exchange) -> Exchange:
    made.first_byte_s = 0.01
    return made


def test_every_attribute_has_a_name_of_the_conventions() -> None:
    made = exchange(method=b"BREW", fields=(AGENT,), status=502)
    used: Attributes = {
        **server_attributes(made, is_tls=True),
        **client_attributes(sent(), 1),
        **server_ending(made).attributes,
    }
    of_calls = RpcCall("a.B/C", 12).attributes()

    assert {"authproxy.service"} == set(used) - constants(stable)
    assert set() == set(of_calls) - constants(incubating)


def test_the_known_methods_are_those_of_the_conventions() -> None:
    assert METHODS | {"_OTHER"} == {each.value for each in HttpRequestMethodValues}


@pytest.mark.parametrize(
    ("method", "known", "name"),
    [
        (b"GET", "GET", "GET"),
        (b"PATCH", "PATCH", "PATCH"),
        (b"get", "_OTHER", "HTTP"),
        (b"BREW", "_OTHER", "HTTP"),
        (b"-", "_OTHER", "HTTP"),
        (b"\xff", "_OTHER", "HTTP"),
    ],
)
def test_a_method_that_nobody_knows_is_no_name(method: bytes, known: str, name: str) -> None:
    assert (known, name) == (known_method(method), span_name(known_method(method)))


def test_further_methods_may_be_known() -> None:
    assert "BREW" == known_method(b"BREW", frozenset({"BREW"}))
    assert "_OTHER" == known_method(b"GET", frozenset({"BREW"}))


def test_a_server_span_says_what_the_client_asked() -> None:
    expected = {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/a/b",
        "url.query": "REDACTED",
        "network.protocol.version": "1.1",
        "server.address": "localhost",
        "server.port": 8080,
        "client.address": "127.0.0.1",
        "user_agent.original": "curl/8",
    }
    assert expected == server_attributes(exchange(fields=(AGENT,)), is_tls=False)


def test_a_method_of_ones_own_is_kept_beside() -> None:
    found = server_attributes(exchange(method=b"BREW" * 100), is_tls=False)

    assert "_OTHER" == found["http.request.method"]
    assert ("BREW" * 100)[:64] == found["http.request.method_original"]


def test_a_client_on_a_unix_socket_has_no_address_and_no_tls() -> None:
    found = server_attributes(exchange(client=None, version="2"), is_tls=True)

    assert "client.address" not in found
    assert ("http", "2") == (found["url.scheme"], found["network.protocol.version"])
    assert "https" == server_attributes(exchange(), is_tls=True)["url.scheme"]


@pytest.mark.parametrize(
    ("host", "is_tls", "expected"),
    [
        (b"localhost:8080", False, ("localhost", 8080)),
        (b"localhost", False, ("localhost", 80)),
        (b"billing.example", True, ("billing.example", 443)),
        (b"[::1]:8080", False, ("::1", 8080)),
        (b"[::1]", False, ("::1", 80)),
        (b"me:hunter2@billing.example:99", False, ("billing.example", 99)),
        (b"", False, (None, None)),
        (b"a:b", False, ("a:b", 80)),
        (b":80", False, (":80", 80)),
        (b"a:123456789", False, ("a", 12345)),
    ],
)
def test_the_host_is_taken_apart(
    host: bytes, is_tls: bool, expected: tuple[str | None, int | None]
) -> None:
    found = server_attributes(exchange(host=host), is_tls=is_tls)

    assert expected == (found.get("server.address"), found.get("server.port"))


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/a/b?key=hunter2", "/a/b"),
        (b"/a#access_token=hunter2", "/a"),
        (b"http://me:hunter2@localhost/a?key=hunter2", "/a"),
        (b"http://localhost", "/"),
        (b"/fetch/https://me:hunter2@h/a", "/fetch/https://h/a"),
        (b"*", "*"),
        (b"-", "-"),
    ],
)
def test_an_address_has_nothing_secret(target: bytes, path: str) -> None:
    made = exchange(target=target, host=b"me:hunter2@localhost")
    server, client = server_attributes(made, is_tls=False), client_attributes(sent(target), 0)

    assert path == server["url.path"]
    assert "hunter2" not in f"{server}{client}"


@pytest.mark.parametrize(
    ("origin", "target", "full", "port"),
    [
        ("https://b.run.app", b"/a?x=1", "https://b.run.app/a?REDACTED", 443),
        ("https://b.run.app:8443", b"/a", "https://b.run.app:8443/a", 8443),
        ("http://127.0.0.1", b"/", "http://127.0.0.1/", 80),
        ("http://[::1]:99", b"/", "http://[::1]:99/", 99),
    ],
)
def test_a_client_span_says_what_we_ask_of_the_service(
    origin: str, target: bytes, full: str, port: int
) -> None:
    found = client_attributes(sent(target, origin), 0)

    assert (full, port) == (found["url.full"], found["server.port"])
    assert "http.request.resend_count" not in found
    assert 2 == client_attributes(sent(), 2)["http.request.resend_count"]


SERVER_AND_CLIENT = [
    (answered(exchange(status=200)), "", ""),
    (answered(exchange(status=304)), "", ""),
    (answered(exchange(status=101)), "", ""),
    (answered(exchange(status=404)), "", "404"),
    (answered(exchange(status=500)), "500", "500"),
    (exchange(status=403, code=Code.METHOD_NOT_ALLOWED), "", "method_not_allowed"),
    (exchange(status=502, code=Code.CONNECT_FAILED), "connect_failed", "connect_failed"),
    (exchange(status=0, aborted="client"), "client_left", "client_left"),
    (answered(exchange(aborted="client")), "client_left", "client_left"),
    (
        answered(exchange(aborted="service", code=Code.UPSTREAM_BROKE)),
        "upstream_broke",
        "upstream_broke",
    ),
]


@pytest.mark.parametrize(("made", "server", "client"), SERVER_AND_CLIENT, ids=repr)
def test_a_span_fails_by_the_rules_of_its_side(made: Exchange, server: str, client: str) -> None:
    at_server, at_client = server_ending(made), client_ending(made)

    assert (server, client) == (at_server.error, at_client.error)
    for ending in (at_server, at_client):
        assert (ending.error or None) == ending.attributes.get("error.type")
    shown = at_client.attributes.get("http.response.status_code")
    assert shown == (made.status if has_answer(made) else None)
    assert at_server.attributes.get("http.response.status_code") == (made.status or None)


def call(kind: bytes = b"application/grpc", status: int | None = 0) -> RpcCall | None:
    made = exchange(target=b"/a.B/C?x", fields=(make_field(b"Content-Type", kind),))
    return find_call(made, status)


@pytest.mark.parametrize(
    ("kind", "is_call"),
    [
        (b"application/grpc", True),
        (b"application/grpc+proto", True),
        (b"Application/GRPC; charset=x", True),
        (b"application/grpc-web", False),
        (b"application/json", False),
        (b"", False),
    ],
)
def test_a_call_of_grpc_is_known_by_its_type(kind: bytes, is_call: bool) -> None:
    assert is_call == (call(kind) is not None)
    assert None is find_call(exchange(), 0)


@pytest.mark.parametrize(
    ("status", "name", "shown", "server", "client"),
    [
        (0, "a.B/C", "OK", "", ""),
        (5, "a.B/C", "NOT_FOUND", "", "NOT_FOUND"),
        (14, "a.B/C", "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"),
        (12, "grpc", "UNIMPLEMENTED", "UNIMPLEMENTED", "UNIMPLEMENTED"),
        (99, "a.B/C", "99", "", "99"),
        (None, "grpc", None, "", ""),
    ],
)
def test_a_call_is_called_by_the_method_that_its_service_knows(
    status: int | None, name: str, shown: str | None, server: str, client: str
) -> None:
    made, rpc = answered(exchange(grpc_status=status)), call(status=status)
    assert rpc is not None
    at_server = server_ending(made, rpc)

    assert name == rpc.name
    assert "grpc" == at_server.attributes["rpc.system.name"]
    assert ("_OTHER" if name == "grpc" else "a.B/C") == at_server.attributes["rpc.method"]
    assert ("a.B/C" if name == "grpc" else None) == at_server.attributes.get("rpc.method_original")
    assert shown == at_server.attributes.get("rpc.response.status_code")
    assert (server, client) == (at_server.error, client_ending(made, rpc).error)


@given(st.binary(), st.binary(), st.binary(), st.binary())
def test_whatever_a_client_sends_is_printable_text(
    method: bytes, target: bytes, host: bytes, agent: bytes
) -> None:
    made = exchange(method=method, target=target, host=host, fields=((b"user-agent", agent, b""),))

    for value in server_attributes(made, is_tls=False).values():
        assert not isinstance(value, str) or value.isprintable()
