"""The way out through an egress proxy, plain and in TLS, and each way in which it fails."""

import asyncio
import re
import ssl
from collections.abc import Callable

import pytest

from authproxy.errors import Code, UpstreamError
from authproxy.values import parse_egress_url, parse_origin
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.proxy_tunnel import Egress
from tests.support.connecting import connect_proxy
from tests.support.ears import Ears, opened
from tests.support.loop_clock import put_forward, run_ahead
from tests.support.raw import NEVER_PAUSES, OK, Call, raw_service
from tests.support.talking import GET, tls_contexts, until

PASSWORD = "p%40ss:w%2Ford"
PLAIN_PASSWORD = "p@ss:w/ord"


def connector_through(
    proxy_url: str,
    url: str = "http://localhost:9",
    *,
    trust: ssl.SSLContext | None = None,
    proxy_trust: ssl.SSLContext | None = None,
    timeout_s: float = 5,
) -> Connector:
    return Connector(
        origin=parse_origin(url),
        timeout_s=timeout_s,
        contexts=None if trust is None else lambda _: trust,
        egress=Egress(proxy=parse_egress_url(proxy_url, source="HTTPS_PROXY"), context=proxy_trust),
    )


async def failure(connector: Connector) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await connector.open(Ears)
    assert not caught.value.sent
    return caught.value


@pytest.mark.parametrize("proxy_in_tls", [False, True], ids=["http proxy", "https proxy"])
@pytest.mark.parametrize("in_tls", [False, True], ids=["http", "https"])
async def test_the_service_answers_through_the_proxy(proxy_in_tls: bool, in_tls: bool) -> None:
    certificate, trust = tls_contexts()
    proxy_certificate, proxy_trust = tls_contexts()
    async with (
        raw_service(tls=certificate if in_tls else None) as service,
        connect_proxy(tls=proxy_certificate if proxy_in_tls else None) as proxy,
    ):
        connector = connector_through(
            proxy.url,
            service.url,
            trust=trust if in_tls else None,
            proxy_trust=proxy_trust if proxy_in_tls else None,
        )
        async with opened(connector) as ears:
            ears.transport.write(GET)
            await until(lambda: ears.data == OK)

    expected = b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (service.authority, service.authority)
    assert [expected] == proxy.heads
    assert [GET] == service.heads


async def test_megabytes_pass_through_tls_within_tls() -> None:
    body = b"x" * 4_000_000

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(await call.reader.readexactly(len(body)))

    certificate, trust = tls_contexts()
    proxy_certificate, proxy_trust = tls_contexts()
    async with (
        raw_service(talk, tls=certificate, limit=NEVER_PAUSES) as service,
        connect_proxy(tls=proxy_certificate) as proxy,
    ):
        connector = connector_through(proxy.url, service.url, trust=trust, proxy_trust=proxy_trust)
        async with opened(connector) as ears:
            ears.transport.write(GET + body)
            await until(lambda: len(ears.data) == len(body))


async def test_user_name_and_password_of_the_url_are_sent_decoded() -> None:
    async with (
        raw_service() as service,
        connect_proxy(user=f"me:{PLAIN_PASSWORD}") as proxy,
    ):
        url = proxy.url.replace("//", f"//me:{PASSWORD}@")
        async with opened(connector_through(url, service.url)) as ears:
            ears.transport.write(GET)
            await until(lambda: ears.data == OK)


async def test_what_the_service_says_first_is_not_lost() -> None:
    async def greet(call: Call) -> None:
        await call.say(b"hello")
        await call.reader.read(-1)

    certificate, trust = tls_contexts()
    for tls in (None, certificate):
        async with raw_service(greet, tls=tls) as service, connect_proxy() as proxy:
            connector = connector_through(proxy.url, service.url, trust=trust if tls else None)
            async with opened(connector) as ears:
                await until(lambda: ears.data == b"hello")


async def test_the_service_is_asked_for_its_own_certificate_not_the_proxys() -> None:
    certificate, trust = tls_contexts("elsewhere.example")
    async with raw_service(tls=certificate) as service, connect_proxy() as proxy:
        error = await failure(connector_through(proxy.url, service.url, trust=trust))

    assert str(error).startswith(f"The certificate of {service.url} is not trusted: ")
    assert error.hint.endswith(f" It was looked up through {proxy.url}.")


@pytest.mark.parametrize(
    ("user", "message", "hint"),
    [
        (
            "",
            "asks for a user name and a password (407).",
            "Write them into its URL, http://USER:PASSWORD@HOST:PORT, special characters"
            " percent-encoded.",
        ),
        (
            f"me:{PASSWORD}x@",
            "does not accept the user name and password (407).",
            "They are sent by the method Basic, percent-decoded from its URL.",
        ),
    ],
    ids=["none", "wrong"],
)
async def test_proxy_that_wants_another_password_is_told(
    user: str, message: str, hint: str
) -> None:
    async with connect_proxy(user=f"me:{PLAIN_PASSWORD}") as proxy:
        error = await failure(connector_through(proxy.url.replace("//", f"//{user}")))

    assert f"The egress proxy {proxy.url} {message}" == str(error)
    assert f"{hint} The proxy was named by HTTPS_PROXY." == error.hint
    assert "it answered: HTTP/1.1 407 Proxy Authentication Required" == error.detail
    assert Code.CONNECT_FAILED == error.code


async def test_the_password_is_in_no_representation_and_no_error() -> None:
    async with connect_proxy(user="somebody:else") as proxy:
        connector = connector_through(proxy.url.replace("//", f"//me:{PASSWORD}@"))
        error = await failure(connector)

    shown = " ".join([repr(connector), str(error), error.hint, error.detail, repr(error)])
    assert not re.search(r"ss(:|%3a)w|cEBzc|me:", shown, re.IGNORECASE)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused to connect to http://localhost:9 (403)."),
        (b"HTTP/1.0 503 Down\r\n\r\n", "could not connect to http://localhost:9 (503)."),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is no HTTP proxy."),
        (b"HTTP/1.1 100000\r\n\r\n", "is no HTTP proxy."),
        (b"", "closed the connection without an answer."),
        (b"HTTP/1.1 403 " + b"x" * 20_000, "refused to connect to http://localhost:9 (403)."),
    ],
    ids=["403", "503", "ssh", "no status", "nothing", "endless"],
)
async def test_each_refusal_is_told_apart(answer: bytes, message: str) -> None:
    async with connect_proxy(answer=answer) as proxy:
        error = await failure(connector_through(proxy.url))

    assert f"The egress proxy {proxy.url} {message}" == str(error)
    assert error.hint.endswith(" The proxy was named by HTTPS_PROXY.")


async def test_bytes_that_come_before_the_handshake_are_not_taken_for_it() -> None:
    _, trust = tls_contexts()
    answer = b"HTTP/1.1 200 OK\r\n\r\nearly"
    async with raw_service() as service, connect_proxy(answer=answer) as proxy:
        url = service.url.replace("http:", "https:")
        error = await failure(connector_through(proxy.url, url, trust=trust))

    assert f"{url} closed the connection while it was being opened." == str(error)
    assert "the peer sent data, or closed the connection, before TLS began" == error.detail


async def quiet(call: Call) -> None:
    await call.reader.read(-1)


async def always_quiet(call: Call) -> None:
    await call.read_head()
    await quiet(call)


async def leave(call: Call) -> None:
    call.cut()


async def test_proxy_that_nobody_runs_is_told() -> None:
    async with raw_service() as gone:
        url = gone.url
    error = await failure(connector_through(url))

    assert f"The egress proxy {url} cannot be reached." == str(error)
    expected = (
        "Is the proxy running, and are its address and port right? The proxy was named by"
        " HTTPS_PROXY."
    )
    assert expected == error.hint


async def test_proxy_that_cannot_be_resolved_is_told() -> None:
    error = await failure(connector_through("http://no-such-proxy.invalid:3128"))

    assert "The host name no-such-proxy.invalid cannot be resolved." == str(error)
    assert error.hint.endswith(" The proxy was named by HTTPS_PROXY.")


async def failure_when(connector: Connector, begun: Callable[[], bool]) -> UpstreamError:
    """What is said when the time for a connection passes after `begun` has come true."""
    opening = asyncio.ensure_future(failure(connector))  # noqa: TID251 -- awaited below
    await until(begun)
    put_forward(connector.timeout_s)
    return await opening


def test_proxy_that_does_not_answer_is_a_timeout_of_the_proxy() -> None:
    async def act() -> tuple[str, UpstreamError]:
        async with raw_service(always_quiet) as silent:
            connector = connector_through(silent.url, timeout_s=60)
            return silent.url, await failure_when(connector, lambda: bool(silent.heads))

    url, error = run_ahead(act())
    expected = f"The egress proxy {url} did not connect to http://localhost:9 within 60 seconds."
    assert expected == str(error)
    assert Code.UPSTREAM_TIMEOUT == error.code


def test_service_that_does_not_finish_its_handshake_is_not_the_proxys_fault() -> None:
    _, trust = tls_contexts()
    hellos: list[bytes] = []

    async def hear(call: Call) -> None:
        hellos.append(await call.reader.read(1))
        await quiet(call)

    async def act() -> tuple[str, str, UpstreamError]:
        async with raw_service(hear) as service, connect_proxy() as proxy:
            url = service.url.replace("http:", "https:")
            connector = connector_through(proxy.url, url, trust=trust, timeout_s=60)
            return url, proxy.url, await failure_when(connector, lambda: bool(hellos))

    url, proxy_url, error = run_ahead(act())
    assert f"{url} did not accept a connection within 60 seconds." == str(error)
    assert error.hint.endswith(f" It was looked up through {proxy_url}.")


async def test_service_that_leaves_at_once_is_told() -> None:
    _, trust = tls_contexts()
    async with raw_service(leave) as service, connect_proxy() as proxy:
        url = service.url.replace("http:", "https:")
        error = await failure(connector_through(proxy.url, url, trust=trust))

    expected = (
        f"{url} closed the connection while it was being opened.",
        f"The TLS handshake with {url} failed.",
    )
    assert str(error) in expected


async def test_the_certificate_of_the_proxy_is_checked_too() -> None:
    proxy_certificate, _ = tls_contexts()
    _, other = tls_contexts()
    async with connect_proxy(tls=proxy_certificate) as proxy:
        error = await failure(connector_through(proxy.url, proxy_trust=other))

    expected = f"The certificate of the egress proxy {proxy.url} is not trusted: "
    assert str(error).startswith(expected)
    assert error.hint.startswith("If the proxy uses a private CA, name its certificate with ")


async def test_giving_up_leaves_no_connection_behind() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def wait(call: Call) -> None:
        await call.read_head()
        asked.set()
        await call.reader.read(-1)
        left.set()

    async with raw_service(wait) as silent, asyncio.TaskGroup() as group:
        task = group.create_task(connector_through(silent.url).open(Ears))
        await asked.wait()
        task.cancel()
        async with asyncio.timeout(5):
            await left.wait()
