"""Writer of a call's header blocks for the service; a block that repeats is not made anew."""

from collections.abc import Sequence

from authproxy.exchange import NO_TOKEN, SentHead, Token
from authproxy.policy.messages.headers import ServiceRules
from authproxy.policy.messages.http2.call import Call, Pair
from authproxy.policy.messages.http2.call_fields import call_fields, trailer_fields
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.admission.admission import Admission
from authproxy.wire.admission.general_checks import GeneralChecks
from authproxy.wire.http2.framing.frames import (
    END_HEADERS,
    END_STREAM,
    HAS_PRIORITY,
    HEADERS,
    SMALLEST_MAX_FRAME,
    block_frames,
    frame,
)
from authproxy.wire.http2.framing.settings import DEFAULT_TABLE
from authproxy.wire.http2.headers.blocks import BlockWriter, plain_block
from authproxy.wire.http2.headers.request_blocks import Block, RequestBlocks


class RequestWriter:
    """Writer of one connection, whose table the service keeps too."""

    __slots__ = ("_blocks", "_general_checks", "_table", "_writer")

    def __init__(self, blocks: RequestBlocks, general_checks: GeneralChecks) -> None:
        """`blocks`: those of the client, whose table is as large as the service says."""
        self._blocks = blocks
        self._general_checks = general_checks
        self._writer = BlockWriter()
        self._table = DEFAULT_TABLE

    def allow_table(self, size: int) -> None:
        """The client has confirmed what the service says about the size of its table."""
        if size != self._table:
            self._table = size
            self._blocks.allow_table(size)
            self._writer.allow_table(size)

    def write(
        self,
        known: Block,
        flags: int,
        stream_id: int,
        priority: bytes,
        admission: Admission,
        token: Token,
        own: Sequence[Pair] = (),
    ) -> bytes:
        """The frames that ask for a call, with `token`; `flags` are those that came.

        `own`: fields for this call alone, which the block for the next one does not have.
        """
        is_same = known.token is token and known.rules is admission.service.rules
        if not is_same or known.changes != self._writer.table.changes:
            self._write(known, admission, token)
        # Literals at the end touch no table, so what was written stays good.
        block = known.written + plain_block(own) if own else known.written
        flags &= END_STREAM | HAS_PRIORITY
        if not priority and len(block) <= SMALLEST_MAX_FRAME:  # as in `block_frames`
            return frame(HEADERS, flags | END_HEADERS, stream_id, block)
        return block_frames(
            block,
            flags=flags,
            stream_id=stream_id,
            max_frame=SMALLEST_MAX_FRAME,
            priority=priority,
        )

    def _write(self, known: Block, admission: Admission, token: Token) -> None:
        call, upstream, before = known.call, admission.service, self._writer.changes
        assert call is not None  # noqa: S101 -- for the type checker: an admitted call was read
        known.written = self._writer.write(
            self._fields(call, admission, token), keep_path=call.is_grpc
        )
        known.token, known.rules = token, upstream.rules
        # A block that changes the table means something else when it is sent again.
        known.changes = before if before == self._writer.changes else -1

    def _fields(self, call: Call, admission: Admission, token: Token) -> list[Pair]:
        upstream, forwarded = admission.service, admission.forwarded
        if upstream.is_here and call.facts.forwarded_proto:
            forwarded += self._general_checks.mark(call.facts, call.head.headers)
        return call_fields(
            call,
            upstream.rules,
            target=admission.target,
            scheme=upstream.origin.scheme.encode(),
            token_line=upstream.token_line(token, call.facts) if token is not NO_TOKEN else b"",
            forwarded=forwarded,
            home=admission.home,
        )

    def describe(
        self, known: Block, admission: Admission, token: Token, own: Sequence[Pair]
    ) -> SentHead:
        """What `write` writes, for observers."""
        call, upstream = known.call, admission.service
        assert call is not None  # noqa: S101 -- for the type checker: an admitted call was read
        fields = self._fields(call, admission, NO_TOKEN)
        regular = [field[:2] for field in fields if field[0][:1] != b":"]
        return SentHead(
            origin=upstream.root,
            method=call.head.method,
            target=admission.target,
            version="2",
            raw=((b"host", upstream.rules.authority), *regular, *own),
            token_line=upstream.token_line(token, call.facts),
            token=token,
            secret_names=upstream.rules.secret_names,
            opening=None,
        )

    def write_trailers(
        self, known: Block, stream_id: int, rules: ServiceRules, home: Home
    ) -> bytes:
        """The frames that end a request. Raises Refused for what no trailer may say."""
        fields = trailer_fields(known.fields, rules, home)
        block = self._writer.write(fields, keep_path=False)
        return block_frames(
            block, flags=END_STREAM, stream_id=stream_id, max_frame=SMALLEST_MAX_FRAME
        )

    def __repr__(self) -> str:
        return f"<RequestWriter [a table of {self._table} bytes]>"
