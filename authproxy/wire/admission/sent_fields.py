"""The fields of a request as its service gets them, remembered for as long as they repeat."""

from authproxy.exchange import RequestHead
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.headers import ServiceRules, one_hop_less, request_fields
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.admission.admission import Admission


class SentFields:
    """Of one client connection."""

    __slots__ = ("_lines", "_of")

    def __init__(self) -> None:
        self._lines = b""
        self._of: tuple[RequestFacts, ServiceRules, Home, bytes] | None = None

    def write(
        self, head: RequestHead, facts: RequestFacts, admission: Admission, rules: ServiceRules
    ) -> bytes:
        """The finished lines of the head to send, all but the token's; the same for the same facts.

        `facts` are the reader's: it repeats them, not only what is in them, when a client repeats
        its fields.
        """
        known, home, forwarded = self._of, admission.home, admission.forwarded
        if (
            known is not None
            and known[0] is facts
            and known[1] is rules
            and known[2] is home
            and known[3] is forwarded
        ):
            return self._lines
        headers = head.headers
        if facts.max_forwards and head.method == b"OPTIONS":
            headers = one_hop_less(headers, facts.max_forwards)
        self._lines = request_fields(headers, facts, rules, forwarded=forwarded, home=home)
        may_keep = facts.max_forwards is None
        self._of = (facts, rules, home, forwarded) if may_keep else None
        return self._lines

    def __repr__(self) -> str:
        return f"<SentFields [{len(self._lines)} bytes]>"
