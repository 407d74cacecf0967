"""A client's connection put through: what passes, what is changed, how either side may leave."""

import asyncio
import gc
from dataclasses import replace

import pytest

from authproxy.errors import Code, CredentialError
from authproxy.exchange import NO_TOKEN
from authproxy.policy.access.networks import AccessList
from authproxy.policy.routes import Routes, Target
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.values import parse_network
from authproxy.wire.http2.connection import Splice
from authproxy.wire.http2.endpoints import ServiceEnd
from authproxy.wire.http2.framing.frames import (
    ACK,
    DATA,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Failure,
    frame,
    goaway,
)
from tests.support.http2 import Call, Client, call_of, http2_client, http2_service, ok
from tests.support.proxying import TOKEN_TEXT, FixedTokens, RunningProxy, make_token, proxying
from tests.support.raw import raw_service
from tests.support.talking import tls_contexts, until, was_cut

MIB = 1024 * 1024
TOKEN = f"Bearer {TOKEN_TEXT}".encode()


async def spliced(proxy: RunningProxy) -> Splice:
    """The proxy's side of the only open client connection, once it is known to be HTTP/2."""
    await until(lambda: any(isinstance(c, Splice) for c in proxy.server.connections))
    (found,) = proxy.server.connections
    assert isinstance(found, Splice)
    return found


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_call_passes_with_token_and_authority(tls: bool) -> None:
    async with (
        http2_service(tls=tls) as service,
        proxying(service.url, trust=service.trust, api_key="k3y") as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"x-mine", b"1"), (b"te", b"trailers"), path=b"/a?b=c")
        answer = await client.answer(1)
        (exchange,) = await proxy.heard.wait_for(1)

    assert [(b":status", b"200")] == answer.fields
    assert b"ok" == answer.body
    assert [
        (b":method", b"GET"),
        (b":scheme", b"https" if tls else b"http"),
        (b":authority", service.authority),
        (b":path", b"/a?b=c"),
        (b"x-mine", b"1"),
        (b"te", b"trailers"),
        (b"x-forwarded-for", b"127.0.0.1"),
        (b"x-forwarded-proto", b"https" if tls else b"http"),
        (b"x-forwarded-host", service.authority),
        (b"x-api-key", b"k3y"),
        (b"authorization", TOKEN),
    ] == service.calls[0].fields
    assert ("2", 200, 0, 2, 1, "tester@example.com", "service", b"localhost", "") == (
        exchange.head.version,
        exchange.status,
        exchange.bytes_from_client,
        exchange.bytes_to_client,
        exchange.attempts,
        exchange.principal,
        exchange.service,
        exchange.host,
        exchange.aborted,
    )


async def test_preface_may_come_byte_by_byte() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy, greets=False) as client,
    ):
        for byte in PREFACE + frame(SETTINGS, 0, 0) + client.headers(1, call_of()):
            client.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        answer = await client.answer(1)

    assert b"ok" == answer.body


async def test_client_that_waits_for_settings_gets_them_before_it_calls() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        first = await client.next_frame()
        client.call(1)
        answer = await client.answer(1)

    assert (SETTINGS, 0, b"") == (first.kind, first.flags, first.payload)
    assert 2 == client.settings
    assert b"ok" == answer.body


async def test_settings_are_confirmed_end_to_end_but_for_our_own() -> None:
    async with (
        http2_service(settings={1: 8192, 3: 77}) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        client.call(3)
        await client.answer(3)
        confirmed = [f for f in client.seen if f.kind == SETTINGS and f.flags & ACK]
        announced = [f.payload for f in client.seen if f.kind == SETTINGS and not f.flags & ACK]
        names = [type(e).__name__ for e in service.connections[0].events]

    assert 1 == len(confirmed)
    assert b"" == announced[0]
    assert b"\x00\x01\x00\x00\x20\x00" in announced[1]
    assert b"\x00\x03\x00\x00\x00\x4d" in announced[1]
    # None of them for ours, which came first.
    assert len(announced) - 1 == names.count("SettingsAcknowledged")


async def test_fresh_token_is_put_on_every_call_of_one_connection() -> None:
    tokens = FixedTokens(make_token("eyJ.first.one"))
    async with (
        http2_service() as service,
        proxying(service.url, tokens=tokens) as proxy,
        http2_client(proxy) as client,
    ):
        for at, text in enumerate(["eyJ.first.one", "eyJ.first.one", "eyJ.second.one"]):
            if tokens.token is None or tokens.token.value.reveal() != text:
                tokens.token = make_token(text)
            client.call(2 * at + 1)
            await client.answer(2 * at + 1)

    assert [b"Bearer eyJ.first.one", b"Bearer eyJ.first.one", b"Bearer eyJ.second.one"] == [
        call.get(b"authorization") for call in service.calls
    ]


async def test_client_with_authorization_of_its_own_keeps_it() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"authorization", b"Basic x"), (b"x-serverless-authorization", b"mine"))
        await client.answer(1)

    assert b"Basic x" == service.calls[0].get(b"authorization")
    assert [TOKEN] == [v for n, v in service.calls[0].fields if n == b"x-serverless-authorization"]


async def test_nothing_is_sent_before_there_is_a_token() -> None:
    tokens = FixedTokens()
    async with (
        http2_service() as service,
        proxying(service.url, tokens=tokens) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        client.say(frame(DATA, END_STREAM, 1, b"early"))
        client.call(3, path=b"/second")
        await tokens.asked.wait()
        assert [] == service.calls
        tokens.arrives.set_result(make_token())
        await client.answer(1)
        await until(lambda: len(service.calls) == 2)
        await service.calls[1].ended.wait()

    assert [(b"/", b"early"), (b"/second", b"")] == [
        (call.get(b":path"), call.body) for call in service.calls
    ]
    assert [TOKEN, TOKEN] == [call.get(b"authorization") for call in service.calls]


async def test_call_without_a_token_is_refused_and_the_next_one_tries_again() -> None:
    tokens = FixedTokens()
    async with (
        http2_service() as service,
        proxying(service.url, tokens=tokens) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await tokens.asked.wait()
        tokens.arrives.set_exception(CredentialError("The metadata server is silent."))
        refused = await client.answer(1)
        tokens.token = make_token()
        client.call(3)
        answered = await client.answer(3)

    assert b"503" == refused.get(b":status")
    assert b"token_unavailable" == refused.get(b"x-authproxy-error")
    assert refused.body.startswith(b"The metadata server is silent.\n")
    assert b"ok" == answered.body
    assert [b"/"] == [call.get(b":path") for call in service.calls]


async def test_source_that_fails_unforeseen_is_a_503_too() -> None:
    tokens = FixedTokens()
    async with (
        http2_service() as service,
        proxying(service.url, tokens=tokens) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"content-type", b"application/grpc"))
        await tokens.asked.wait()
        tokens.arrives.set_exception(RuntimeError("secret"))
        refused = await client.answer(1)

    assert b"14" == refused.get(b"grpc-status")
    assert b"secret" not in (refused.get(b"grpc-message") or b"")
    assert [] == service.calls


async def test_client_that_leaves_while_its_call_waits_for_a_token_is_forgotten() -> None:
    tokens = FixedTokens()
    async with http2_service() as service, proxying(service.url, tokens=tokens) as proxy:
        async with http2_client(proxy) as client:
            client.call(1)
            await tokens.asked.wait()
        (exchange,) = await proxy.heard.wait_for(1)
        tokens.arrives.set_result(make_token())
        await until(lambda: not len(proxy.server.tasks))

    assert "client" == exchange.aborted
    assert [] == service.calls


async def test_no_token_is_sent_where_none_is_wanted() -> None:
    async with (
        http2_service() as service,
        proxying(service.url, tokens=FixedTokens(NO_TOKEN)) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)

    assert None is service.calls[0].get(b"authorization")


async def echo(call: Call) -> None:
    """The request's body, as the client's windows allow."""
    await call.ended.wait()
    h2, left = call.connection.h2, call.body
    h2.send_headers(call.stream_id, [(b":status", b"200")])
    while left:
        size = min(h2.local_flow_control_window(call.stream_id), 16384)
        if size:
            h2.send_data(call.stream_id, left[:size])
            left = left[size:]
        call.connection.flush()
        await asyncio.sleep(0)
    h2.end_stream(call.stream_id)
    call.connection.flush()


async def send_body(client: Client, body: bytes) -> None:
    """On stream 1, whose own window is large enough."""
    sent, window = 0, 65535
    while sent < len(body):
        size = min(window, 16384, len(body) - sent)
        if size:
            last = END_STREAM if sent + size == len(body) else 0
            client.say(frame(DATA, last, 1, body[sent : sent + size]))
            sent, window = sent + size, window - size
            continue
        found = await client.frame_of(WINDOW_UPDATE)
        window += int.from_bytes(found.payload, "big") if found.stream_id == 0 else 0


async def read_body(client: Client, length: int) -> bytes:
    got = b""
    while len(got) < length:
        found = await client.next_frame()
        if found.kind == DATA:
            got += found.payload
            give = len(found.payload).to_bytes(4, "big")
            client.say(frame(WINDOW_UPDATE, 0, 0, give), frame(WINDOW_UPDATE, 0, 1, give))
    return got


async def test_bodies_pass_both_ways_under_flow_control() -> None:
    body = bytes(range(256)) * 4096
    async with (
        http2_service(echo, settings={4: MIB}) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        await send_body(client, body)
        got = await read_body(client, len(body))
        (exchange,) = await proxy.heard.wait_for(1)

    assert body == got
    assert (MIB, MIB) == (exchange.bytes_from_client, exchange.bytes_to_client)


async def test_trailers_pass_both_ways() -> None:
    async def with_trailers(call: Call) -> None:
        await call.ended.wait()
        h2 = call.connection.h2
        h2.send_headers(call.stream_id, [(b":status", b"200")])
        h2.send_data(call.stream_id, b"body")
        h2.send_headers(call.stream_id, [(b"grpc-status", b"0")], end_stream=True)
        call.connection.flush()

    async with (
        http2_service(with_trailers) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        client.say(frame(DATA, 0, 1, b"x"))
        client.say(client.headers(1, [(b"x-sum", b"1"), (b"authorization", b"forged")]))
        answer = await client.answer(1)

    assert (b"body", [(b"grpc-status", b"0")]) == (answer.body, answer.trailers)
    assert [(b"x-sum", b"1")] == service.calls[0].trailers


async def test_ping_is_answered_by_the_service_or_before_there_is_one_by_us() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(frame(PING, 0, 0, b"12345678"))
        first = await client.frame_of(PING)
        client.call(1)
        await client.answer(1)
        client.say(frame(PING, 0, 0, b"abcdefgh"))
        second = await client.frame_of(PING)
        pinged = [e for e in service.connections[0].events if type(e).__name__ == "PingReceived"]

    assert (ACK, b"12345678") == (first.flags, first.payload)
    assert (ACK, b"abcdefgh") == (second.flags, second.payload)
    assert 1 == len(pinged)


async def test_call_for_another_service_on_the_same_connection_is_421() -> None:
    async with http2_service() as service, proxying(service.url) as proxy:
        routes = proxy.listener.routes
        one = routes.get("localhost", None).find(b"/")
        assert one is not None
        other = replace(one.service, name="other")
        proxy.listener.routes = Routes(
            {
                "one": Target(service=one.service, hosts=("localhost",)),
                "other": Target(service=other),
            }
        )
        async with http2_client(proxy) as client:
            client.call(1)
            await client.answer(1)
            client.say(client.headers(3, call_of(host=b"other.localhost"), ended=False))
            client.say(frame(DATA, END_STREAM, 3, b"for the other"))
            refused = await client.answer(3)
            given_back = await client.frame_of(WINDOW_UPDATE)
            client.call(5)
            answered = await client.answer(5)

    assert (b"421", b"another_service") == (
        refused.get(b":status"),
        refused.get(b"x-authproxy-error"),
    )
    assert (0, 13) == (given_back.stream_id, int.from_bytes(given_back.payload, "big"))
    assert b"ok" == answered.body
    assert [1, 5] == [call.stream_id for call in service.calls]


async def test_stranger_is_refused_and_no_connection_is_opened() -> None:
    nobody = AccessList(allow=[parse_network("10.0.0.0/8")])
    async with (
        http2_service() as service,
        proxying(service.url, service_access=nobody) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        refused = await client.answer(1)

    assert (b"403", b"address_not_allowed") == (
        refused.get(b":status"),
        refused.get(b"x-authproxy-error"),
    )
    assert [] == service.connections


@pytest.mark.parametrize("alpn", ["http/1.1", "none"])
async def test_service_without_http2_is_named_as_such(alpn: str) -> None:
    certificate, trust = tls_contexts()
    if alpn != "none":
        certificate.set_alpn_protocols([alpn])
    trust.set_alpn_protocols(["h2"])
    async with (
        raw_service(tls=certificate) as service,
        proxying(service.url, trust=trust) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"content-type", b"application/grpc"))
        client.call(3)
        first, second = await client.answer(1), await client.answer(3)
        goodbye = await client.goodbye()

    assert (b"14", b"no_http2") == (first.get(b"grpc-status"), first.get(b"x-authproxy-error"))
    assert (b"502", b"no_http2") == (second.get(b":status"), second.get(b"x-authproxy-error"))
    assert (3, Failure.NO_ERROR) == goodbye[:2]
    assert [] == service.heads


async def test_unreachable_service_is_said_on_each_stream_and_the_connection_ends() -> None:
    async with raw_service() as service:
        url = service.url
    async with proxying(url) as proxy, http2_client(proxy) as client:
        client.call(1)
        answer = await client.answer(1)
        goodbye = await client.goodbye()
        rest = await client.rest()

    assert (b"502", b"connect_failed") == (
        answer.get(b":status"),
        answer.get(b"x-authproxy-error"),
    )
    assert (1, 0, b"") == (*goodbye[:2], rest)


async def test_service_that_leaves_before_its_answer_is_a_502() -> None:
    async def leave(call: Call) -> None:
        call.connection.writer.transport.abort()

    async with (
        http2_service(leave) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        goodbye = await client.goodbye()

    assert (b"502", b"upstream_broke") == (
        answer.get(b":status"),
        answer.get(b"x-authproxy-error"),
    )
    assert Failure.NO_ERROR == goodbye[1]


async def test_service_that_leaves_within_its_answer_resets_the_stream() -> None:
    async def begin(call: Call) -> None:
        call.connection.h2.send_headers(call.stream_id, [(b":status", b"200")])
        call.connection.h2.send_data(call.stream_id, b"half")
        call.connection.flush()
        await call.connection.writer.drain()
        call.connection.writer.close()

    async with (
        http2_service(begin) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        await client.goodbye()
        (exchange,) = await proxy.heard.wait_for(1)

    assert (b"half", Failure.INTERNAL_ERROR) == (answer.body, answer.reset)
    assert (200, "service", Code.UPSTREAM_BROKE) == (
        exchange.status,
        exchange.aborted,
        exchange.code,
    )


async def test_service_that_leaves_within_a_frame_cuts_the_client_off() -> None:
    async def half_a_frame(call: Call) -> None:
        call.connection.h2.send_headers(call.stream_id, [(b":status", b"200")])
        call.connection.flush()
        call.connection.writer.write(frame(DATA, 0, 1, bytes(1000))[:500])
        await call.connection.writer.drain()
        call.connection.writer.close()

    async with (
        http2_service(half_a_frame) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        cut = await was_cut(client.reader)

    assert cut


async def test_client_that_takes_a_call_back_is_heard_by_the_service() -> None:
    async def stay(call: Call) -> None:
        await asyncio.Event().wait()

    async with (
        http2_service(stay) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await until(lambda: bool(service.calls))
        client.say(frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big")))
        await service.calls[0].ended.wait()
        (exchange,) = await proxy.heard.wait_for(1)

    assert 8 == service.calls[0].reset
    assert (0, "client") == (exchange.status, exchange.aborted)


async def test_client_that_leaves_takes_the_service_connection_with_it() -> None:
    async def stay(call: Call) -> None:
        await asyncio.Event().wait()

    async with http2_service(stay) as service, proxying(service.url) as proxy:
        async with http2_client(proxy) as client:
            client.call(1)
            await until(lambda: bool(service.calls))
        (exchange,) = await proxy.heard.wait_for(1)
        await until(lambda: service.connections[0].writer.transport.is_closing())

    assert "client" == exchange.aborted


async def test_redirect_to_the_service_leads_back_to_us_and_tables_stay_in_step() -> None:
    async def redirect(call: Call) -> None:
        where = b"http://" + call.connection.service.authority + b"/there?q=1"
        call.answer(b"", (b"location", where), (b"x-same", b"1"), status=b"302")

    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        answers = []
        for stream_id, handler in ((1, ok), (3, redirect), (5, ok), (7, redirect), (9, ok)):
            service.handler = handler
            client.call(stream_id)
            answers.append(await client.answer(stream_id))

    local = [
        (b":status", b"302"),
        (b"location", b"http://localhost/there?q=1"),
        (b"x-same", b"1"),
    ]
    fine = [(b":status", b"200")]
    assert [fine, local, fine, local, fine] == [answer.fields for answer in answers]


async def test_redirect_leads_to_the_name_that_its_own_call_used() -> None:
    gate = asyncio.Event()

    async def redirect(call: Call) -> None:
        await gate.wait()
        where = b"http://" + call.connection.service.authority + b"/there"
        call.answer(b"", (b"location", where), status=b"302")

    async with (
        http2_service(redirect) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(client.headers(1, call_of(host=b"localhost")))
        client.say(client.headers(3, call_of(host=b"127.0.0.1")))
        client.say(client.headers(5, call_of(host=b"evil.example")))
        await client.answer(5)
        gate.set()
        first, second = await client.answer(1), await client.answer(3)

    assert (b"http://localhost/there", b"http://127.0.0.1/there") == (
        first.get(b"location"),
        second.get(b"location"),
    )


async def test_answers_to_identical_calls_stay_apart() -> None:
    async def number(call: Call) -> None:
        call.answer(b"%d" % call.stream_id, (b"x-stream", b"%d" % call.stream_id))

    async with (
        http2_service(number) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        for stream_id in range(1, 41, 2):
            client.call(stream_id)
        answers = {}
        for stream_id in range(1, 41, 2):
            answers[stream_id] = await client.answer(stream_id)

    assert {n: b"%d" % n for n in range(1, 41, 2)} == {
        stream_id: answer.body for stream_id, answer in answers.items()
    }
    assert all(b"%d" % n == answer.get(b"x-stream") for n, answer in answers.items())


async def test_rejected_token_is_not_used_for_the_next_call() -> None:
    async def reject(call: Call) -> None:
        if call.get(b"authorization") == b"Bearer eyJ.new.one":
            call.answer()
            return
        said = b'error="invalid_token" error_description="The access token could not be verified"'
        call.answer(b"", (b"www-authenticate", said), status=b"401")

    tokens = FixedTokens(make_token())
    tokens.replacement = make_token("eyJ.new.one")
    async with (
        http2_service(reject) as service,
        proxying(service.url, tokens=tokens) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        first = await client.answer(1)
        client.call(3)
        second = await client.answer(3)

    assert (b"401", b"200") == (first.get(b":status"), second.get(b":status"))


async def test_drain_says_goodbye_and_lets_calls_end() -> None:
    release = asyncio.Event()

    async def later(call: Call) -> None:
        await release.wait()
        call.answer()

    async with (
        http2_service(later) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await until(lambda: bool(service.calls))
        (await spliced(proxy)).drain()
        goodbye = await client.goodbye()
        client.call(3)
        late = await client.answer(3)
        release.set()
        answer = await client.answer(1)
        await client.goodbye()
        rest = await client.rest()

    assert (1, Failure.NO_ERROR) == goodbye[:2]
    assert Failure.REFUSED_STREAM == late.reset
    assert (b"ok", b"") == (answer.body, rest)


@pytest.mark.parametrize(("silent_s", "rest"), [(0.1, b"data: 2\n\n"), (0.2, b"")])
async def test_drain_ends_streams_of_events_on_which_nothing_moves(
    silent_s: float, rest: bytes
) -> None:
    release = asyncio.Event()

    async def events(call: Call) -> None:
        h2 = call.connection.h2
        h2.send_headers(
            call.stream_id, [(b":status", b"200"), (b"content-type", b"text/event-stream")]
        )
        h2.send_data(call.stream_id, b"data: 1\n\n")
        call.connection.flush()
        await release.wait()
        if rest:
            h2.send_data(call.stream_id, b"data: 2\n\n", end_stream=True)
            call.connection.flush()

    async with (
        http2_service(events) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        while not (await client.next_frame()).payload.startswith(b"data: 1"):
            pass
        proxy.server.tick(silent_s)
        (await spliced(proxy)).drain()
        release.set()
        answer = await client.answer(1)

    assert (rest, None) == (answer.body, answer.reset)


async def test_idle_connection_is_closed_in_good_order() -> None:
    async with (
        http2_service() as service,
        proxying(service.url, timeouts=TimeoutSettings(keep_alive=5)) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        proxy.server.tick(4.0)
        client.call(3)
        await client.answer(3)
        proxy.server.tick(4.0)
        proxy.server.tick(2.0)
        goodbye = await client.goodbye()

    assert (3, Failure.NO_ERROR) == goodbye[:2]


async def test_silent_service_is_a_504_and_its_late_answer_reaches_nobody() -> None:
    release = asyncio.Event()

    async def later(call: Call) -> None:
        await release.wait()
        if call.stream_id == 1:
            h2 = call.connection.h2
            data = h2.encoder.encode([(b":status", b"200"), (b"x-late", b"1")])
            call.connection.writer.write(frame(1, 4, 1, data) + frame(DATA, 1, 1, b"late"))
        else:
            call.answer(b"fine", (b"x-late", b"1"))

    async with (
        http2_service(later) as service,
        proxying(service.url, timeouts=TimeoutSettings(first_byte=5)) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"content-type", b"application/grpc"))
        await until(lambda: bool(service.calls))
        proxy.server.tick(6.0)
        refused = await client.answer(1)
        await service.calls[0].ended.wait()
        release.set()
        client.call(3)
        answer = await client.answer(3)
        late = [f for f in client.seen if f.kind == DATA and f.stream_id == 1]

    assert (b"4", b"upstream_timeout") == (
        refused.get(b"grpc-status"),
        refused.get(b"x-authproxy-error"),
    )
    assert (b"fine", b"1") == (answer.body, answer.get(b"x-late"))
    assert [] == late


async def test_client_that_does_not_read_stops_the_service_from_sending() -> None:
    async def flood(call: Call) -> None:
        # Windows that only a client in league with the service would give.
        call.connection.h2.send_headers(call.stream_id, [(b":status", b"200")])
        call.connection.flush()
        writer = call.connection.writer
        while True:
            writer.write(frame(DATA, 0, 1, bytes(16384)))
            await writer.drain()
            sent.append(16384)

    sent: list[int] = []
    async with (
        http2_service(flood) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # -- a read transport
        splice = await spliced(proxy)
        await until(lambda: splice.down.holds.reasons != 0)
        before = -1
        while before != len(sent):
            before = len(sent)
            await asyncio.sleep(0.05)
        assert (await spliced(proxy)).unread_bytes < 4 * MIB


async def test_service_that_does_not_read_stops_the_client_from_being_read() -> None:
    async def deaf(call: Call) -> None:
        call.connection.writer.transport.pause_reading()  # type: ignore[attr-defined]  # -- as above
        await asyncio.Event().wait()

    async with (
        http2_service(deaf) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        await until(lambda: bool(service.calls))

        async def pour() -> None:
            while True:
                client.say(frame(DATA, 0, 1, bytes(16384)))
                await client.writer.drain()

        task = asyncio.get_running_loop().create_task(pour())
        splice = await spliced(proxy)
        await until(lambda: splice.up.holds.reasons != 0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_slow_frame_is_not_waited_for_forever() -> None:
    async with (
        http2_service() as service,
        proxying(service.url, timeouts=TimeoutSettings(head=5)) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(client.headers(1, call_of())[:-1])
        splice = await spliced(proxy)
        await until(lambda: splice.up.scanner.is_waiting)
        proxy.server.tick(6.0)
        goodbye = await client.goodbye()

    assert (0, Failure.ENHANCE_YOUR_CALM, b"a frame took too long") == goodbye
    assert [] == service.calls


async def test_stranger_cannot_fill_memory_before_it_calls() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(*(frame(WINDOW_UPDATE, 0, 0, b"\x00\x00\x00\x01") for _ in range(10_000)))
        goodbye = await client.goodbye()

    assert (Failure.ENHANCE_YOUR_CALM, b"many frames and no call") == goodbye[1:]
    assert [] == service.connections


async def test_repr_says_who_and_how_many() -> None:
    async with (
        http2_service() as service,
        proxying(service.url, limits=LimitSettings()) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        text = repr(await spliced(proxy))

    assert "<Splice 127.0.0.1 [0 streams]>" == text


async def test_goaway_of_the_service_passes() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        served = service.connections[0]
        served.writer.write(goaway(1, Failure.NO_ERROR, "bye"))
        found = await client.frame_of(GOAWAY)
        served.writer.close()
        last = await client.goodbye()

    assert b"bye" == found.payload[8:]
    assert Failure.NO_ERROR == last[1]


@pytest.mark.parametrize("first", ["client", "service"])
async def test_the_service_end_does_not_wait_for_the_garbage_collector(first: str) -> None:
    """A connection in TLS keeps a hundred kilobytes as long as anything holds on to it."""

    def ends() -> int:
        return sum(isinstance(each, ServiceEnd) for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = ends()
        async with http2_service() as service, proxying(service.url) as proxy:
            async with http2_client(proxy) as client:
                client.call(1)
                await client.answer(1)
                splice = await spliced(proxy)
                if first == "service":
                    assert splice.link.end is not None
                    splice.link.end.transport.abort()
                    await until(lambda: splice.is_over)
            await until(lambda: not proxy.server.connections)
            await until(lambda: ends() == before)
    finally:
        gc.enable()


async def test_calls_whose_time_is_up_are_told_in_their_own_words() -> None:
    async def begin(call: Call) -> None:
        if call.get(b"te") is not None:
            call.connection.h2.send_headers(
                call.stream_id, [(b":status", b"200"), (b"content-type", b"application/grpc")]
            )
            call.connection.flush()

    grpc = (b"content-type", b"application/grpc"), (b"te", b"trailers")
    async with (
        http2_service(begin) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, *grpc, ended=False)
        await client.frame_of(HEADERS)
        client.call(3)
        await until(lambda: len(service.calls) == 2)
        stopping = asyncio.gather(proxy.server.shutdown(0))
        streaming = await client.answer(1)
        waiting = await client.answer(3)
        await stopping
        exchanges = await proxy.heard.wait_for(2)

    assert (b"grpc-status", b"14") in streaming.fields
    assert (b"503", b"shutting_down") == (
        waiting.get(b":status"),
        waiting.get(b"x-authproxy-error"),
    )
    assert [Code.SHUTTING_DOWN] * 2 == [each.code for each in exchanges]
    assert {"": 503, "authproxy": 200} == {each.aborted: each.status for each in exchanges}
