"""The fields of a request as its service gets them, remembered for as long as they repeat."""

from collections import Counter

from authproxy.exchange import Field, RequestHead
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.headers import ServiceRules, one_hop_less, request_fields
from authproxy.wire.admission.admission import Admission


class SentFields:
    """Remembered fields of one client connection."""

    __slots__ = ("_admission", "_facts", "_headers", "_lines", "_rules", "_twice")

    def __init__(self) -> None:
        self._lines = b""
        self._facts: RequestFacts | None = None
        self._headers: list[Field] = []
        self._twice: set[bytes] | None = None
        """Names that more than one of these fields has; None: nobody has looked yet."""
        self._rules: ServiceRules | None = None
        self._admission: Admission | None = None

    def write(
        self, head: RequestHead, facts: RequestFacts, admission: Admission, rules: ServiceRules
    ) -> bytes:
        """The finished lines of the head to send, all but the token's: the same for the same
        fields.

        `facts` and the list in `head` are the reader's: it repeats them, not only what is in them,
        when a client repeats its fields, and only `facts` when those of its traces are others.
        """
        before = self._admission
        if (
            facts is self._facts
            and rules is self._rules
            and before is not None
            and (
                admission is before
                or (admission.home is before.home and admission.forwarded is before.forwarded)
            )
            and (head.headers is self._headers or self._renew(head.headers, facts, rules))
        ):
            return self._lines
        headers = head.headers
        if facts.max_forwards and head.method == b"OPTIONS":
            headers = one_hop_less(headers, facts.max_forwards)
        self._lines = request_fields(
            headers, facts, rules, forwarded=admission.forwarded, home=admission.home
        )
        self._headers = head.headers
        self._facts = facts if facts.max_forwards is None else None
        self._rules, self._admission = rules, admission
        self._twice = None
        return self._lines

    def _renew(self, headers: list[Field], facts: RequestFacts, rules: ServiceRules) -> bool:
        """Only fields of traces are others than in the head before: put these in their place.

        False: that cannot be done, since one stands there twice.
        """
        lines = b"\r\n" + self._lines
        if self._twice is None:
            names = Counter([field[0] for field in headers])
            self._twice = {name for name, times in names.items() if times > 1}
        twice = self._twice
        for at, new in enumerate(headers):
            old = self._headers[at]
            if old is new:
                continue
            name = new[0]
            if name in twice:
                return False
            # What does not pass must not be taken for a line of ours that reads the same.
            if name not in rules.drop and name not in facts.connection:
                lines = lines.replace(b"\r\n%b\r\n" % old[2], b"\r\n%b\r\n" % new[2], 1)
        self._lines, self._headers = lines[2:], headers
        return True

    def __repr__(self) -> str:
        return f"<SentFields [{len(self._lines)} bytes]>"
