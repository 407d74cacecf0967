# mypy: untyped-calls-exclude=google

import copy
import logging
import os
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from requests import Response
from requests.adapters import HTTPAdapter

from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.transport import (
    GaveUpError,
    Request,
    quiet_google_loggers,
    switch_off_bound_tokens,
)
from authproxy.threads import in_thread
from authproxy.values import EgressSpec, parse_egress_url
from tests.support.clock import FakeClock
from tests.support.connecting import connect_proxy

NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def request_(clock: FakeClock) -> Iterator[Request]:
    request = Request(direct=True, skew=Skew(), clock=clock)
    yield request
    request.close()


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """Answers with the status in the path."""

    async def handle(request: web.Request) -> web.Response:
        fields = {name: value for name, value in request.query.items() if name != "text"}
        text = request.query.get("text", request.method)
        return web.Response(status=int(request.path[1:]), text=text, headers=fields)

    application = web.Application()
    application.router.add_route("*", "/{status}", handle)
    server = TestServer(application)
    await server.start_server()
    yield server
    await server.close()


async def test_a_request_is_sent_and_its_answer_counted(
    request_: Request, server: TestServer
) -> None:
    url = str(server.make_url("/404"))
    answer = await in_thread(lambda: request_(url, "POST", b"x", {}), name="x")

    assert (404, b"POST", 1, 404) == (
        answer.status,
        answer.data,
        request_.answered,
        request_.status,
    )


async def test_a_request_takes_the_way_that_the_setting_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from google.auth.exceptions import TransportError

    monkeypatch.setenv("HTTPS_PROXY", NOWHERE)
    async with connect_proxy(answer=b"HTTP/1.1 403 No\r\n\r\n") as proxy:
        url = proxy.url.replace("//", "//me:hunter2@")
        request = Request(direct=False, skew=Skew(), egress=parse_egress_url(url))
        with pytest.raises(TransportError):
            await in_thread(lambda: request("https://oauth2.invalid/token"), name="x")
        request.close()

    [head] = proxy.heads
    assert head.startswith(b"CONNECT oauth2.invalid:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n" in head


async def test_a_request_goes_straight_where_the_setting_says_so(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOWHERE)
    request = Request(direct=False, skew=Skew(), egress=EgressSpec("none"))
    answer = await in_thread(lambda: request(str(server.make_url("/204"))), name="x")
    request.close()

    assert 204 == answer.status


def test_a_failed_connection_is_google_auths_to_try_again_while_there_is_patience(
    request_: Request, clock: FakeClock
) -> None:
    from google.auth.exceptions import TransportError

    clock.advance(2)
    with pytest.raises(TransportError):
        request_(NOWHERE)


def test_a_connection_that_fails_later_ends_the_retries_and_says_why(
    request_: Request, clock: FakeClock
) -> None:
    clock.advance(3)
    with pytest.raises(GaveUpError) as caught:
        request_(NOWHERE)

    assert "TransportError" == type(caught.value.__cause__).__name__


def test_no_request_starts_when_the_time_is_over(request_: Request, clock: FakeClock) -> None:
    clock.advance(13)
    with pytest.raises(GaveUpError) as caught:
        request_(NOWHERE)

    assert None is caught.value.__cause__


async def test_a_server_that_breaks_down_is_not_asked_for_long(
    request_: Request, server: TestServer, clock: FakeClock
) -> None:
    url = str(server.make_url("/503"))
    await in_thread(request_, url, name="x")
    clock.advance(3)

    with pytest.raises(GaveUpError):
        await in_thread(request_, url, name="x")


async def test_where_too_many_ask_google_auth_may_ask_once_more_and_not_again(
    request_: Request, server: TestServer
) -> None:
    url = str(server.make_url("/429").with_query({"text": '{"error": "slow_down"}'}))
    first = await in_thread(request_, url, name="x")
    with pytest.raises(GaveUpError) as caught:
        await in_thread(request_, url, name="x")

    assert (429, 429) == (first.status, request_.status)
    assert ({"error": "slow_down"},) == caught.value.args


SENT = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("told", "pause_s"),
    [("7", 7), ("Sun, 06 Nov 1994 08:50:07 GMT", 30)],
    ids=["seconds", "date"],
)
async def test_who_says_when_to_come_back_is_not_asked_before(
    request_: Request, server: TestServer, told: str, pause_s: float
) -> None:
    url = str(server.make_url("/429").with_query({"Retry-After": told, "Date": SENT}))
    with pytest.raises(GaveUpError) as caught:
        await in_thread(request_, url, name="x")

    assert (("GET",), pause_s) == (caught.value.args, request_.pause_s)


@pytest.mark.parametrize("told", ["soon", "-7", "²", "Sun, 06 Nov 1994 08:48:07 GMT", "1.5"])
async def test_what_says_no_time_is_no_pause(
    request_: Request, server: TestServer, told: str
) -> None:
    url = str(server.make_url("/429").with_query({"Retry-After": told, "Date": SENT}))
    answer = await in_thread(request_, url, name="x")

    assert (429, 0) == (answer.status, request_.pause_s)


@pytest.mark.parametrize(("asked", "allowed"), [(None, 6), (120, 6), (3, 3)])
def test_no_single_request_may_take_longer_than_a_waiting_client_can_bear(
    asked: float | None, allowed: float
) -> None:
    seen: list[object] = []

    class Noting(HTTPAdapter):
        def send(self, *args: Any, timeout: Any = None, **_: Any) -> Response:
            seen.append(timeout)
            answer = Response()
            answer.status_code, answer.raw = 200, BytesIO()
            return answer

    request = Request(direct=False, skew=Skew(), egress=EgressSpec("none"))
    request.session.mount("http://", Noting())
    request("http://x/", timeout=asked)
    request.close()

    assert [allowed] == seen


@pytest.mark.parametrize("direct", [True, False])
async def test_a_direct_request_goes_round_the_environments_proxies_except_to_google(
    server: TestServer, monkeypatch: pytest.MonkeyPatch, direct: bool
) -> None:
    from google.auth.exceptions import TransportError

    monkeypatch.setenv("HTTP_PROXY", NOWHERE)
    request = Request(direct=direct, skew=Skew())

    def ask(url: str) -> int | str:
        try:
            return int(request(url).status)
        except TransportError:
            return "no such proxy"

    inside = await in_thread(ask, str(server.make_url("/204")), name="x")
    outside = await in_thread(ask, "http://oauth2.googleapis.com/token", name="x")
    request.close()

    assert (204 if direct else "no such proxy", "no such proxy") == (inside, outside)


@pytest.mark.parametrize(("direct", "learned"), [(True, True), (False, False)])
async def test_the_metadata_servers_answers_tell_the_time_and_strangers_do_not(
    server: TestServer, direct: bool, learned: bool
) -> None:
    clock = FakeClock()  # years after what the server believes
    skew = Skew(clock)
    request = Request(direct=direct, skew=skew)
    await in_thread(request, str(server.make_url("/200")), name="x")
    request.close()

    assert learned == (skew.offset_s < -3600 or skew.offset_s > 3600)


def test_a_request_cannot_be_taken_along_into_a_thread(request_: Request) -> None:
    with pytest.raises(TypeError, match="a request is for one mint only"):
        copy.deepcopy(request_)


@pytest.fixture
def levels() -> Iterator[None]:
    names = ["google", "google.auth.transport.requests"]
    before = [logging.getLogger(name).level for name in names]
    yield
    for name, level in zip(names, before, strict=True):
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    ("chosen", "level"),
    [
        (logging.NOTSET, logging.CRITICAL),
        (logging.DEBUG, logging.INFO),
        (logging.WARNING, logging.WARNING),
    ],
)
@pytest.mark.usefixtures("levels")
def test_googles_loggers_never_write_at_debug_level(chosen: int, level: int) -> None:
    logging.getLogger("google").setLevel(chosen)
    logging.getLogger("google.auth.transport.requests").setLevel(logging.DEBUG)
    quiet_google_loggers()

    assert (level, logging.INFO) == (
        logging.getLogger("google").level,
        logging.getLogger("google.auth.transport.requests").level,
    )


def test_nobody_looks_for_a_certificate_to_bind_tokens_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """In that folder google-auth would wait 30 seconds for it."""
    from google.auth import _agent_identity_utils as google

    name = "GOOGLE_API_ENABLE_RUNTIME_BOUND_TOKEN"
    folder = "/var/run/secrets/workload-spiffe-credentials"
    monkeypatch.setenv("GOOGLE_API_CERTIFICATE_CONFIG", f"{folder}/certificate_config.json")
    monkeypatch.setenv(name, "")
    monkeypatch.delenv(name)
    slept: list[float] = []
    monkeypatch.setattr("google.auth._agent_identity_utils.time.sleep", slept.append)
    switch_off_bound_tokens()

    assert ((None, None), []) == (google.get_agent_identity_certificate_and_bytes(), slept)


def test_who_wants_tokens_bound_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_ENABLE_RUNTIME_BOUND_TOKEN", "true")
    switch_off_bound_tokens()

    assert "true" == os.environ["GOOGLE_API_ENABLE_RUNTIME_BOUND_TOKEN"]
