"""The fields of a request as its service gets them, remembered for as long as they repeat."""

from authproxy.exchange import RequestHead
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.headers import ServiceRules, one_hop_less, request_fields
from authproxy.wire.admission.admission import Admission


class SentFields:
    """Of one client connection."""

    __slots__ = ("_admission", "_facts", "_lines", "_rules")

    def __init__(self) -> None:
        self._lines = b""
        self._facts: RequestFacts | None = None
        self._rules: ServiceRules | None = None
        self._admission: Admission | None = None

    def write(
        self, head: RequestHead, facts: RequestFacts, admission: Admission, rules: ServiceRules
    ) -> bytes:
        """The finished lines of the head to send, all but the token's; the same for the same facts.

        `facts` are the reader's: it repeats them, not only what is in them, when a client repeats
        its fields.
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
        ):
            return self._lines
        headers = head.headers
        if facts.max_forwards and head.method == b"OPTIONS":
            headers = one_hop_less(headers, facts.max_forwards)
        self._lines = request_fields(
            headers, facts, rules, forwarded=admission.forwarded, home=admission.home
        )
        self._facts = facts if facts.max_forwards is None else None
        self._rules, self._admission = rules, admission
        return self._lines

    def __repr__(self) -> str:
        return f"<SentFields [{len(self._lines)} bytes]>"
