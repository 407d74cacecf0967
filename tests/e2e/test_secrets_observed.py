"""Secrets where only we and the service see them, looked for in all that observers write."""

import asyncio

from authproxy.exchange import Observer
from authproxy.observe.access_lines import Style
from authproxy.observe.access_log import AccessLog
from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.observe.metrics.scrape import Scraper
from authproxy.observe.stream import LogStream
from tests.support.exchanges import Sent
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import http2_client, http2_service
from tests.support.metrics import make_collector
from tests.support.proxying import FixedTokens, make_token, proxying
from tests.support.raw import Call, raw_service
from tests.support.spans import KeptSpans
from tests.support.talking import get

KEY = "key-of-the-service"
TOKEN, ANOTHER = (f"eyJhbGciOiJub25lIn0.eyJhdWQiOiJ{name}In0.c2ln" for name in ("a", "b"))
IN_TRAILER, IN_MESSAGE, IN_ANSWER = "in-the-trailer", "in-the-message", "in-the-answer"
REJECTED = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
    b'WWW-Authenticate: Bearer error="invalid_token" error_description="The access token could not'
    b' be verified"\r\n\r\n'
)
CHUNKS = b"2\r\nok\r\n0\r\nX-Secret: %b\r\n\r\n" % IN_ANSWER.encode()
HIDDEN = (KEY, TOKEN, ANOTHER, "eyJ", IN_TRAILER, IN_MESSAGE, IN_ANSWER)


OPENMETRICS = "application/openmetrics-text;version=1.0.0"


class Observing:
    """Spans, lines in both forms, and counts."""

    def __init__(self) -> None:
        self.kept = KeptSpans()
        self.json, self.text = Sent(), Sent()
        trace_of = self.kept.traces.trace_of
        self.metrics = ExchangeMetrics(trace_of)
        style = Style(user_agent=True)
        self.all: list[Observer] = [
            self.metrics,
            AccessLog(LogStream(self.json), "json", style=style, trace_of=trace_of),
            AccessLog(LogStream(self.text), "text", style=style, trace_of=trace_of),
            self.kept.traces,
        ]

    async def written(self) -> list[str]:
        """Spans, lines, lines, figures."""
        await asyncio.sleep(0)  # lines of one turn of the loop are written at its end
        assert 0 == self.kept.traces.open
        spans = "".join(span.to_json() for span in self.kept.all)
        scraper = Scraper(make_collector("service", exchanges=self.metrics))
        scraped = await scraper.scrape(accept=OPENMETRICS)
        assert scraped is not None
        return [spans, self.json.text, self.text.text, scraped.body.decode()]


def check(written: list[str]) -> None:
    for text in written:
        assert text
        for hidden in HIDDEN:
            assert hidden not in text


async def test_over_http1_neither_trailers_nor_what_we_send_ourselves_are_written() -> None:
    observing, tokens = Observing(), FixedTokens(make_token(TOKEN))
    tokens.replacement = make_token(ANOTHER)
    answers = [REJECTED, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS]

    async def talk(call: Call) -> None:
        while await call.read_head():
            assert IN_TRAILER.encode() in await call.read_head()  # behind content of no bytes
            await call.say(answers.pop(0))

    async with (
        raw_service(talk) as service,
        proxying(
            service.url, tokens=tokens, api_key=KEY, first=observing.all, hears_all=False
        ) as proxy,
    ):
        fields = ("Transfer-Encoding: chunked", "TE: trailers", "Connection: TE, close")
        trailer = b"0\r\nX-Secret: %b\r\n\r\n" % IN_TRAILER.encode()
        assert IN_ANSWER.encode() in await proxy.exchange(get("/", *fields, method="PUT") + trailer)
        await proxy.heard.wait_for(1)
        written = await observing.written()

    check(written)
    assert 2 == len(observing.kept.clients)


async def test_over_http2_neither_trailers_nor_what_we_send_ourselves_are_written() -> None:
    observing, tokens = Observing(), FixedTokens(make_token(TOKEN))

    async def talk(call: Http2Call) -> None:
        await call.ended.wait()
        assert KEY.encode() == call.get(b"x-api-key")
        h2 = call.connection.h2
        h2.send_headers(call.stream_id, [(b":status", b"200")])
        trailers = [(b"grpc-status", b"13"), (b"grpc-message", IN_MESSAGE.encode())]
        trailers.append((b"x-secret-bin", IN_ANSWER.encode()))
        h2.send_headers(call.stream_id, trailers, end_stream=True)
        call.connection.flush()

    async with (
        http2_service(talk) as service,
        proxying(
            service.url, tokens=tokens, api_key=KEY, first=observing.all, hears_all=False
        ) as proxy,
        http2_client(proxy) as client,
    ):
        grpc = [(b"content-type", b"application/grpc"), (b"te", b"trailers")]
        client.call(1, *grpc, (b"grpc-metadata", IN_TRAILER.encode()), path=b"/a.B/C", ended=False)
        client.say(client.headers(1, [(b"x-secret", IN_TRAILER.encode())], ended=True))
        await client.answer(1)
        await proxy.heard.wait_for(1)
        written = await observing.written()

    check(written)
    spans, line, text, figures = written
    assert "INTERNAL" in spans
    assert '"grpc_status": 13' in line
    assert "grpc-status 13" in text
    (server,) = observing.kept.servers
    assert server.context is not None
    trace = f"{server.context.trace_id:032x}"
    assert f'trace_id="{trace}"' in figures  # an exemplar, though the client has named no trace
    assert trace in line
