"""What pages of other origins are told that the configuration allows (Fetch standard 3.3).

Only for these origins: what a service says to its own is not touched for anybody else.
"""

from authproxy.errors import Code, Refused
from authproxy.policy.facts import RequestFacts

MAX_AGE_S = 600
ANSWERS = frozenset(
    [
        b"access-control-allow-origin",
        b"access-control-allow-credentials",
    ]
)
"""Fields of a service's answer that give way to ours."""


def answer_lines(origin: bytes) -> bytes:
    """The finished lines that let a page of `origin` read the answer."""
    return (
        b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n"
        b"Vary: Origin\r\n" % origin
    )


def is_preflight(method: bytes, asked_method: bytes) -> bool:
    """`asked_method`: Access-Control-Request-Method, empty where there is none."""
    return method == b"OPTIONS" and bool(asked_method)


def preflight(facts: RequestFacts) -> Refused:
    """The answer to a preflight: the service need not know of the page's origin."""
    fields = {
        "Access-Control-Allow-Origin": facts.origin.decode("latin-1"),
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": facts.preflight_method.decode("latin-1"),
        "Access-Control-Max-Age": str(MAX_AGE_S),
        "Vary": "Origin",
    }
    if facts.preflight_fields:
        fields["Access-Control-Allow-Headers"] = facts.preflight_fields.decode("latin-1")
    if facts.preflight_network:
        fields["Access-Control-Allow-Private-Network"] = "true"
    return Refused("Allowed.", code=Code.PREFLIGHT, fields=fields)
