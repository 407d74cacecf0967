"""Traces over real sockets: what the service is told, and what a collector gets.

Spans are kept in memory where single requests are looked at; the whole program sends them to a
collector of ours by OTLP.
"""

import asyncio
import gzip
import json
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import httpx
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode
from websockets.asyncio.client import connect

from authproxy.demo.world import World
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import http2_client, http2_service
from tests.support.program import Program
from tests.support.proxying import FixedTokens, RunningProxy, make_token, proxying
from tests.support.raw import OK, Call, raw_service
from tests.support.spans import Collector, KeptSpans, attribute, collector
from tests.support.talking import get, read_answer, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
REJECTED = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
    b'WWW-Authenticate: Bearer error="invalid_token" error_description="The access token could not'
    b' be verified"\r\n\r\n'
)


def ids(span: ReadableSpan) -> tuple[str, str, str | None]:
    assert span.context is not None
    parent = None if span.parent is None else f"{span.parent.span_id:016x}"
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent


def value(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {}).get(name)


class Heads:
    """A service that keeps the heads of its requests, and answers as it is told."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[dict[str, str]] = []

    async def __call__(self, call: Call) -> None:
        while head := await call.read_head():
            lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:] if line]
            names = [name.lower() for name, _, _ in lines]
            assert len(set(names)) == len(names), names
            self.heads.append({name.lower(): value for name, _, value in lines})
            await call.say(self.answers.pop(0) if self.answers else OK)


@asynccontextmanager
async def traced(
    heads: Heads, tokens: FixedTokens | None = None, *, hears_all: bool = True
) -> AsyncIterator[tuple[RunningProxy, KeptSpans]]:
    kept = KeptSpans()
    async with (
        raw_service(heads) as service,
        proxying(service.url, tokens=tokens, first=[kept.traces], hears_all=hears_all) as proxy,
    ):
        yield proxy, kept
    assert 0 == kept.traces.open


async def ask(proxy: RunningProxy, *requests: bytes) -> None:
    """On one connection."""
    reader, writer = await proxy.connect()
    for request in requests:
        writer.write(request)
        await read_answer(reader)
    writer.close()
    await proxy.heard.wait_for(len(requests))


async def test_the_service_sees_our_span_as_its_parent_and_all_else_as_it_came() -> None:
    heads = Heads()
    async with traced(heads) as (proxy, kept):
        await ask(
            proxy,
            get(
                "/a?key=hunter2",
                f"TraceParent: 00-{TRACE}-{SPAN}-01",
                "tracestate: a=1",
                "Tracestate: b=2",
                f"x-cloud-trace-context: {'1' * 32}/5;o=0",
                "baggage: user=7",
                "grpc-trace-bin: AAAA",
            ),
        )
        (server,), (client,) = kept.servers, kept.clients
        (head,) = heads.heads

    span = ids(client)[1]
    assert (TRACE, SPAN) == (ids(server)[0], ids(server)[2])
    assert ids(server)[1] == ids(client)[2]
    assert f"00-{TRACE}-{span}-01" == head["traceparent"]
    assert "a=1,b=2" == head["tracestate"]
    assert f"{TRACE}/{int(span, 16)};o=1" == head["x-cloud-trace-context"]
    assert ("user=7", "AAAA") == (head["baggage"], head["grpc-trace-bin"])
    assert value(client, "url.full") == f"{proxy_origin(client)}/a?REDACTED"


def proxy_origin(client: ReadableSpan) -> str:
    return f"http://{value(client, 'server.address')}:{value(client, 'server.port')}"


async def test_requests_of_one_connection_have_spans_of_their_own_however_alike_they_are() -> None:
    heads = Heads()
    plain, with_trace = get("/a"), get("/a", f"traceparent: 00-{TRACE}-{SPAN}-01")
    async with traced(heads) as (proxy, kept):
        await ask(proxy, plain, plain, with_trace, with_trace, plain)
        clients = kept.clients

    assert [f"{ids(span)[0]}-{ids(span)[1]}" for span in clients] == [
        head["traceparent"][3:-3] for head in heads.heads
    ]
    traces = [ids(span)[0] for span in clients]
    assert [TRACE, TRACE] == traces[2:4]
    assert 4 == len(set(traces))
    assert 5 == len({ids(span)[1] for span in clients})


@pytest.mark.parametrize("hears_all", [True, False])
async def test_a_request_that_is_sent_again_has_two_client_spans(hears_all: bool) -> None:
    heads = Heads(REJECTED, OK)
    tokens = FixedTokens(make_token())
    tokens.replacement = make_token("eyJhbGciOiJub25lIn0.eyJhdWQiOiJuZXcifQ.c2ln")
    async with traced(heads, tokens, hears_all=hears_all) as (proxy, kept):
        await ask(proxy, get("/a"))
        first, second = kept.clients
        (server,) = kept.servers

    assert [ids(first)[1], ids(second)[1]] == [
        head["traceparent"].split("-")[2] for head in heads.heads
    ]
    assert ("401", None) == (value(first, "error.type"), value(second, "error.type"))
    assert 401 == value(first, "http.response.status_code")
    assert [] == list(first.events)
    assert 1 == value(second, "http.request.resend_count")
    assert 200 == value(server, "http.response.status_code")


async def test_a_connection_that_turned_out_to_be_dead_ends_a_try() -> None:
    async def talk(call: Call) -> None:
        """One answer for each connection, then it is closed when it is asked again."""
        await call.read_head()
        await call.say(OK)
        await call.read_head()

    kept = KeptSpans()
    async with (
        raw_service(talk) as service,
        proxying(service.url, first=[kept.traces], hears_all=False) as proxy,
    ):
        await ask(proxy, get("/a"), get("/b"))
    first, second, third = kept.clients

    assert [None, "upstream_broke", None] == [
        value(each, "error.type") for each in (first, second, third)
    ]
    assert [None, None, 1] == [
        value(each, "http.request.resend_count") for each in (first, second, third)
    ]


@pytest.mark.parametrize(
    ("answer", "server", "client"),
    [
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", None, "404"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "500", "500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "upstream_broke", "upstream_broke"),
        (b"nonsense\r\n\r\n", "upstream_broke", "upstream_broke"),
    ],
    ids=["404", "500", "half an answer", "nonsense"],
)
async def test_what_goes_wrong_is_a_spans_error(
    answer: bytes, server: str | None, client: str
) -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(answer)

    kept = KeptSpans()
    async with (
        raw_service(talk) as service,
        proxying(service.url, first=[kept.traces]) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(get("/", "Connection: close"))
        with suppress(ConnectionResetError):  # which is how half an answer ends
            await reader.read(-1)
        writer.close()
        await proxy.heard.wait_for(1)
    (at_server,), (at_client,) = kept.servers, kept.clients

    assert (server, client) == (value(at_server, "error.type"), value(at_client, "error.type"))
    for span in (at_server, at_client):
        failed = value(span, "error.type") is not None
        assert failed == (span.status.status_code is StatusCode.ERROR)


async def test_a_service_that_cannot_be_reached_and_a_refusal_have_a_server_span_alone() -> None:
    kept = KeptSpans()
    async with proxying("http://127.0.0.1:1", first=[kept.traces]) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/"))
        await read_answer(reader)
        writer.write(get("/", host="evil.example"))
        await read_answer(reader)
        writer.close()
        await proxy.heard.wait_for(2)

    assert ["connect_failed", None] == [value(span, "error.type") for span in kept.servers]
    assert [502, 421] == [value(span, "http.response.status_code") for span in kept.servers]
    assert [] == kept.clients


@pytest.mark.parametrize("hears_all", [True, False])
async def test_over_http2_it_is_the_same(hears_all: bool) -> None:
    seen: list[dict[bytes, bytes]] = []

    async def talk(call: Http2Call) -> None:
        seen.append(dict(call.fields))
        assert len(seen[-1]) == len(call.fields)
        call.answer()

    kept = KeptSpans()
    async with (
        http2_service(talk) as service,
        proxying(service.url, first=[kept.traces], hears_all=hears_all) as proxy,
        http2_client(proxy) as client,
    ):
        cloud = (b"x-cloud-trace-context", f"{TRACE.upper()}/0;o=1".encode())
        for stream_id, more in ((1, []), (3, [cloud]), (5, [cloud]), (7, [])):
            client.call(stream_id, *more, path=b"/a?key=hunter2")
            await client.answer(stream_id)
        await proxy.heard.wait_for(4)
    clients = kept.clients

    assert [f"{ids(span)[0]}-{ids(span)[1]}" for span in clients] == [
        each[b"traceparent"].decode()[3:-3] for each in seen
    ]
    assert [TRACE, TRACE] == [ids(span)[0] for span in clients[1:3]]
    assert [False, True, True, False] == [b"x-cloud-trace-context" in each for each in seen]
    assert {"2"} == {str(value(span, "network.protocol.version")) for span in kept.all}
    assert None is kept.servers[1].parent


async def test_without_traces_what_clients_send_passes() -> None:
    heads = Heads()
    fields = (f"traceparent: 00-{TRACE}-{SPAN}-01", f"X-Cloud-Trace-Context: {TRACE}/5;o=1")
    async with raw_service(heads) as service, proxying(service.url) as proxy:
        await ask(proxy, get("/", *fields, "tracestate: a=1"))

    (head,) = heads.heads
    assert f"00-{TRACE}-{SPAN}-01" == head["traceparent"]
    assert (f"{TRACE}/5;o=1", "a=1") == (head["x-cloud-trace-context"], head["tracestate"])


# The whole program, with a collector.


@asynccontextmanager
async def program(world: World, there: Collector, **environ: str) -> AsyncIterator[Program]:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": there.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        **environ,
    }
    async with Program(
        f"sample={world.url}",
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0"),
        environ=world.environment | variables,
        log_format="json",
    ) as running:
        yield running


async def http1(proxy: Program, secret: str) -> None:
    headers = {"Cookie": f"session={secret}", "X-Api-Key": secret, "X-Mine": secret}
    async with httpx.AsyncClient(base_url=proxy.url, trust_env=False, headers=headers) as client:
        assert 200 == (await client.get(f"/whoami?key={secret}&{secret}")).status_code
        assert 200 == (await client.post("/upload", data={"password": secret})).status_code
        body = gzip.compress(json.dumps({"password": secret}).encode())
        answer = await client.post("/upload", content=body, headers={"Content-Encoding": "gzip"})
        assert 200 == answer.status_code
        assert 404 == (await client.get("/status/404")).status_code


async def grpc_call(proxy: Program, secret: str) -> None:
    async with aio.insecure_channel(f"127.0.0.1:{proxy.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        await stub.Check(health_pb2.HealthCheckRequest(), metadata=(("mine", secret),))


async def websocket(proxy: Program, secret: str) -> None:
    async with connect(f"ws://127.0.0.1:{proxy.port}/ws?key={secret}") as socket:
        await socket.send(secret)
        await socket.recv()


async def test_a_collector_gets_every_kind_of_traffic_and_no_secret(world: World) -> None:
    secret = secrets.token_hex(12)
    async with collector() as there, program(world, there) as proxy:
        await asyncio.gather(*(each(proxy, secret) for each in (http1, grpc_call, websocket)))
        proxy.signal(signal.SIGTERM)
        assert 143 == await proxy.wait()
        stderr = proxy.stderr

    servers = [span for span in there.spans if span.kind == span.SPAN_KIND_SERVER]
    clients = [span for span in there.spans if span.kind == span.SPAN_KIND_CLIENT]
    assert [
        ("GET", "/status/404"),
        ("GET", "/whoami"),
        ("GET", "/ws"),
        ("POST", "/upload"),
        ("POST", "/upload"),
        ("grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check"),
    ] == sorted((span.name, attribute(span, "url.path")) for span in servers)
    assert {span.span_id for span in servers} == {span.parent_span_id for span in clients}
    assert {"sample"} == {attribute(span, "authproxy.service") for span in servers}
    (call,) = (span for span in clients if attribute(span, "rpc.system.name"))
    assert "OK" == attribute(call, "rpc.response.status_code")
    (tunnel,) = (span for span in servers if span.name == "GET" and "ws" in str(span.attributes))
    assert 101 == attribute(tunnel, "http.response.status_code")
    assert secret.encode() not in there.raw
    assert b"eyJ" not in there.raw
    assert secret not in stderr
    lines = [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
    logged = {line.get("logging.googleapis.com/spanId") for line in lines} - {None}
    assert logged == {span.span_id.hex() for span in servers}


def _has_more(there: Collector, before: int) -> bool:
    return there.tries > before


async def test_a_collector_that_fails_is_said_once_and_holds_up_nobody(world: World) -> None:
    async with collector() as there:
        there.status = 400
        async with program(world, there, OTEL_BSP_SCHEDULE_DELAY="10") as proxy:
            async with httpx.AsyncClient(base_url=proxy.url, trust_env=False) as client:
                for _ in range(3):
                    before = there.tries
                    assert 204 == (await client.get("/status/204")).status_code
                    await until(partial(_has_more, there, before))
            proxy.signal(signal.SIGTERM)
            assert 143 == await proxy.wait()

    said = [json.loads(line)["message"] for line in proxy.stderr.splitlines() if "traces" in line]
    (line,) = said
    assert line.startswith("traces are not taken by the collector at http://127.0.0.1:")
    assert line.endswith(", and spans are lost until they are: it answered 400")
