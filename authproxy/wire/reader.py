"""What one client sends, taken apart: heads, bodies and ends become relays and calls on them."""

import logging
from typing import TYPE_CHECKING

import httptools

from authproxy.errors import Refused
from authproxy.exchange import Field, RequestHead
from authproxy.policy.facts import RequestFacts, read_request
from authproxy.settings import LimitSettings
from authproxy.wire import refusals
from authproxy.wire.relay import Relay

if TYPE_CHECKING:
    from authproxy.wire.client import ClientConnection

logger = logging.getLogger(__name__)

FIELD_OVERHEAD = 4
"""Bytes of a field line besides name and value."""

_PEEK = 24
"""Bytes, enough to tell what the client meant by what is not HTTP/1.1: HTTP/2's preface."""


class RequestReader:
    """The callbacks of one client's parser. Nothing raises out of them: llhttp could not go on."""

    __slots__ = (
        "_client",
        "_fed",
        "_headers",
        "_limits",
        "_parser",
        "_read",
        "_receiving",
        "_suspicious",
        "_target",
        "_upgrading",
        "head_open",
        "is_deaf",
    )

    def __init__(self, client: "ClientConnection", limits: LimitSettings) -> None:
        self._client = client
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._headers: list[Field] = []
        self._target = b""
        self._suspicious = min(limits.target_bytes, limits.head_bytes)
        """Only a head that came in a larger read, or in many, can be too large."""
        self._read = 0
        """Size of the read that is being taken apart."""
        self._fed = 0
        """Bytes read since the head began or the last piece of a body came."""
        self._receiving: Relay | None = None
        """The relay whose body is being read."""
        self._upgrading: Relay | None = None
        """The relay whose request made the parser stop: it asks for another protocol."""
        self.head_open = False
        """A head has begun and is not complete."""
        self.is_deaf = False
        """Nothing that still comes is of interest."""

    def feed(self, data: bytes) -> None:
        """Take `data` apart; all that it holds has been handed on when this returns."""
        rest: bytes | memoryview = data
        while rest:  # again only after an upgrade: a thousand in a row must not recurse
            self._read = len(rest)
            self._fed += self._read
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = self._after_upgrade(memoryview(rest)[upgrade.args[0] :])
                continue
            except httptools.HttpParserCallbackError as error:
                logger.exception("a request could not be handled", exc_info=error.__context__)
                self._client.transport.abort()
            except httptools.HttpParserError as error:
                self._not_http(error, bytes(rest[:_PEEK]))
            break
        if self._fed > self._limits.head_bytes:
            self._too_much()

    def refuse(self, refusal: Refused, head: RequestHead | None = None) -> None:
        """Answer in turn, then close: where the next request would begin cannot be known."""
        if self.is_deaf:
            return
        self.is_deaf = True
        self.head_open = False
        head = head or RequestHead(b"-", self._target[:256] or b"-", "1.1", [])
        relay = Relay(self._client, head, RequestFacts(), keep_alive=False, refusal=refusal)
        self._client.enqueue(relay)

    # What the parser found.

    def on_message_begin(self) -> None:
        self._headers = []
        self._target = b""
        self._fed = 0
        self.head_open = True

    def on_url(self, target: bytes) -> None:
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        headers, self._headers = self._headers, []
        self.head_open = False
        if self.is_deaf or self._upgrading is not None:
            return
        parser = self._parser
        head = RequestHead(parser.get_method(), self._target, parser.get_http_version(), headers)
        try:
            if self._fed + self._read > self._suspicious or len(headers) > self._limits.headers:
                self._check_size(head)
            facts = read_request(head)
        except Refused as refusal:
            self.refuse(refusal, head)
            return
        relay = Relay(self._client, head, facts, keep_alive=parser.should_keep_alive())
        self._receiving = relay
        if parser.should_upgrade():
            self._upgrading = relay
        self._client.enqueue(relay)

    def on_body(self, data: bytes) -> None:
        self._fed = 0
        if self._receiving is not None:
            self._receiving.from_client(data)

    def on_message_complete(self) -> None:
        if self._upgrading is not None:
            return
        relay, self._receiving = self._receiving, None
        if relay is not None:
            relay.client_done(self._headers)

    def _check_size(self, head: RequestHead) -> None:
        limits = self._limits
        if len(head.target) > limits.target_bytes:
            raise refusals.target_too_long()
        if len(head.headers) > limits.headers:
            raise refusals.head_too_large()
        size = sum(len(name) + len(value) + FIELD_OVERHEAD for _, name, value in head.headers)
        if size > limits.head_bytes:
            raise refusals.head_too_large()

    # Where the parser stops.

    def _after_upgrade(self, rest: memoryview) -> memoryview:
        """Prepare for what comes behind the head; what is still HTTP is returned."""
        relay, self._upgrading = self._upgrading, None
        if relay is None or self.is_deaf:
            return rest[:0]
        self._parser = httptools.HttpRequestParser(self)
        if relay.facts.has_body:
            # The upgrade is not passed on, and the parser took the body for the new protocol.
            self._upgrading = relay
            self._parser.feed_data(_framing_only(relay.facts))
            self._upgrading = None
        else:
            self._receiving = None
            relay.client_done([])
            if relay.facts.upgrade is not None and relay.is_open:
                self._client.await_switch(bytes(rest))
                return rest[:0]
        return rest

    def _too_much(self) -> None:
        """More than a head may have, and neither it nor the body's framing has come to an end."""
        relay = self._receiving
        if self.head_open:
            self.refuse(refusals.head_too_large())
        elif relay is not None and not self.is_deaf:
            self.is_deaf = True
            relay.client_broke("the chunk extensions or trailers are too large")

    def _not_http(self, error: httptools.HttpParserError, data: bytes) -> None:
        if self.is_deaf or (self._receiving is None and self._client.is_last_request_in):
            return
        if self._receiving is None:
            self.refuse(refusals.not_http(error, data))
        else:
            self.is_deaf = True
            self._receiving.client_broke(str(error))

    def __repr__(self) -> str:
        state = "deaf" if self.is_deaf else "in a head" if self.head_open else "ready"
        return f"<RequestReader [{state}]>"


def _framing_only(facts: RequestFacts) -> bytes:
    """A head that brings a fresh parser to where the body begins."""
    line = b"Transfer-Encoding: chunked" if facts.chunked else b"Content-Length: %d" % facts.length
    return b"POST / HTTP/1.1\r\n%b\r\n\r\n" % line
