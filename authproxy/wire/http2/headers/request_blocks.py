"""Parser for a client's header blocks, with a memory of those that come again."""

from collections.abc import Sequence
from typing import Final

from authproxy.errors import Refused
from authproxy.exchange import Token
from authproxy.policy.messages.headers import ServiceRules
from authproxy.policy.messages.http2.answer_validity import NO_LENGTH, content_length
from authproxy.policy.messages.http2.call import Call, Pair
from authproxy.policy.messages.http2.call_fields import check_call, read_call, trim
from authproxy.settings import LimitSettings
from authproxy.wire import refusals
from authproxy.wire.admission.admit import check_method
from authproxy.wire.http2.headers.blocks import BlockReader

MAX_KNOWN: Final = 32
MAX_KNOWN_BYTES: Final = 4096
"""Blocks that are remembered, and the largest of them: clients choose them, memory has a bound."""


class Block:
    """A client's header block, and the one that the service gets for it."""

    __slots__ = (
        "call",
        "changes",
        "fields",
        "length",
        "refusal",
        "rules",
        "target",
        "token",
        "written",
    )

    def __init__(self, fields: list[Pair]) -> None:
        self.fields = fields
        self.call: Call | None = None
        self.length = NO_LENGTH
        """What its content-length says."""
        self.refusal: Refused | None = None
        self.token: Token | None = None
        self.rules: ServiceRules | None = None
        self.changes = -1
        self.written = b""
        """For the service, with `token`; good while its table has seen `changes`."""


class RequestBlocks:
    """Header blocks of one connection, in the order in which they come."""

    __slots__ = ("_limits", "_reader", "known")

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        # Twice what is allowed: beyond it no answer is possible, since the tables would differ.
        self._reader = BlockReader(max_list=2 * limits.head_bytes)
        self.known: dict[bytes, Block] = {}
        """Those that mean what they meant before; `find` has all."""

    def allow_table(self, size: int) -> None:
        """From now on the client's table may have up to `size` bytes."""
        self._reader.allow_table(size)
        self.known.clear()

    def find(self, block: bytes) -> Block:
        """Raises ConnectionFault for what is no header block."""
        again = self.known.get(block)
        if again is not None:
            return again
        before = self._reader.changes
        known = Block(self._reader.read(block))
        if self._reader.changes != before:
            self.known.clear()
        elif len(block) <= MAX_KNOWN_BYTES:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known[block] = known
        return known

    def understand(self, known: Block, of_client: Refused | None = None) -> Call:
        """`of_client`: why nothing that this client asks for is answered, if that is so."""
        call = known.call = read_call(known.fields)
        try:
            self._check_size(known.fields, call)
            if not check_call(known.fields):
                known.fields = trim(known.fields)
                call = known.call = read_call(known.fields)
            known.length = _length(call.fields)
            check_method(call.head.method, call.facts, of_client)
        except Refused as refusal:
            known.refusal = refusal
        return call

    def _check_size(self, fields: list[Pair], call: Call) -> None:
        limits = self._limits
        size = sum(len(name) + len(value) + 4 for name, value in fields)
        if size > limits.head_bytes or len(fields) > limits.headers + 4:
            raise refusals.head_too_large()
        if len(call.head.target) > limits.target_bytes:
            raise refusals.target_too_long()


def _length(fields: Sequence[Pair]) -> int:
    return content_length([value for name, value in fields if name == b"content-length"])
