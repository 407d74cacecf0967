"""Before anything is sent: who is calling, and which service do they want?

The same question for HTTP/1 and HTTP/2, and the same answer.
"""

from typing import Final

from authproxy.errors import Refused
from authproxy.exchange import RequestHead
from authproxy.policy.access.targets import split_target
from authproxy.policy.messages.facts import RequestFacts
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission, NotAdmitted
from authproxy.wire.admission.caller import Caller


def admit(caller: Caller, head: RequestHead, facts: RequestFacts, body_bytes: int = 0) -> Admission:
    """Where the request goes, and for whom. Raises NotAdmitted.

    `body_bytes`: the most that its body may have; 0: any number.
    """
    host: bytes | None = None
    try:
        host = facts.host
        admission = caller.find_known(head)
        if admission is None:
            method, target = head.method, head.target
            if method not in refusals.ORDINARY_METHODS or facts.max_forwards == 0:
                check_method(method, facts, caller.refusal)
            if target[0] != _SLASH:
                target, host = split_target(method, target, host)
            admission = caller.admit(head, facts, host, target)
        if body_bytes and (facts.length or 0) > body_bytes:
            raise refusals.body_too_large(body_bytes)
    except Refused as refusal:
        raise NotAdmitted(
            refusal, caller.address, host=host or b"", cors=caller.cors_of_refused
        ) from None
    return admission


def check_method(method: bytes, facts: RequestFacts, of_client: Refused | None = None) -> None:
    """Raises Refused for what is never sent on, whoever it is from.

    `of_client`: why nothing that this client asks for is answered, if that is so; it goes first.
    """
    if of_client is not None:
        raise of_client
    refusals.check_method(method)
    if facts.max_forwards == 0 and method == b"OPTIONS":
        raise refusals.last_hop()


_SLASH: Final = 0x2F
