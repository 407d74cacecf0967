"""The heads of answers, as HTTP/1.1 has them for this client, and whole answers of our own."""

from typing import Protocol

from authproxy.errors import AuthProxyError
from authproxy.exchange import ResponseHead
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.policy.messages.headers import response_head
from authproxy.wire import replies
from authproxy.wire.http1.response_writer import add_to_head, connection_line, find_framing
from authproxy.wire.mcp.call_stream import CallStream, McpExchange
from authproxy.wire.mcp.refusing import McpRequest, asked_of, find_telling
from authproxy.wire.relay import cookies
from authproxy.wire.relay.chunked_body import ChunkedBody
from authproxy.wire.relay.event_stream import EventStream, Streaming, may_end_early
from authproxy.wire.relay.interfaces import AnswerBody, Client, ClientExchange
from authproxy.wire.relay.telling import read_own


class Answering(ClientExchange, Streaming, McpRequest, McpExchange, Protocol):
    """An exchange whose answer begins."""

    @property
    def client(self) -> Client:
        """Who gets the answer."""


def begin_answer(relay: Answering, head: ResponseHead, facts: ResponseFacts) -> AnswerBody | None:
    """Write the final head; what writes the body is returned, None if that passes as it comes."""
    in_chunks = announces = False
    if facts.length is None:  # else nobody need be asked, and most answers say their length
        in_chunks, announces, ends_connection = find_framing(relay.head, head, facts)
        relay.keep_alive &= not ends_connection
    line, home, out = _connection_line(relay), relay.admission.home, relay.client.out
    out.append(
        response_head(head, facts, chunked=announces, connection=line, home=home, cors=relay.cors)
    )
    if facts.sets_cookies:
        add_lines(out, cookies.lines_for(relay.upstream, head, home, relay.target))
    if facts.is_event_stream and may_end_early(facts):
        if relay.head.method == b"GET":
            return EventStream(relay, in_chunks=in_chunks, home=home)
        asked = asked_of(relay)
        if asked.ids:
            return CallStream(relay, asked, in_chunks=in_chunks, home=home)
    return ChunkedBody(out, home, has_messages=facts.has_messages) if in_chunks else None


def add_interim(relay: Answering, head: ResponseHead, facts: ResponseFacts) -> None:
    """Write a head that another one follows; clients of HTTP/1.0 do not know them."""
    if relay.head.version != "1.0":
        relay.client.out.append(
            response_head(head, facts, chunked=False, home=relay.admission.home)
        )


def add_lines(out: list[bytes], line: bytes) -> None:
    """Put more finished lines into the head that was written last."""
    out[-1] = add_to_head(out[-1], line)


def reply(relay: Answering, error: AuthProxyError) -> int:
    """Answer by ourselves; how many bytes the answer's body has."""
    line = _connection_line(relay) + relay.cors
    telling, request_id = find_telling(relay, error), relay.exchange.request_id
    answer = replies.render(error, relay.head, request_id, connection=line, telling=telling)
    relay.client.out.append(answer[0])
    relay.client.flush()
    if relay.recorder.heads or relay.recorder.answer_pieces:
        relay.recorder.own_answer(relay.exchange, *read_own(*answer))
    return answer[1]


def _connection_line(relay: Answering) -> bytes:
    if relay.client.server.draining:
        relay.keep_alive = False
    is_usual = relay.keep_alive and relay.head.version == "1.1"
    return b"" if is_usual else connection_line(relay.head, keep_alive=relay.keep_alive)
