"""What pages of other origins are told that the configuration allows (Fetch standard 3.3).

A service that speaks of origins in its answer knows who may read what of it, and its word passes as
it came: a page reads what it would read without us. Where it says nothing, the configuration does:
the page may read the answer and its fields. Nobody else is told anything.

Preflights are answered here: they come without credentials of the page, and services behind IAM do
not expect them.
"""

from authproxy.errors import Code, Refused
from authproxy.policy.facts import RequestFacts

MAX_AGE_S = 600
ALLOW_ORIGIN = b"access-control-allow-origin"
"""The service speaks for itself where its answer has this field."""
ANSWERS = frozenset([b"access-control-allow-credentials"])
"""Fields of a service's answer that give way to ours; without the other they mean nothing."""


def answer_lines(origin: bytes) -> bytes:
    """The finished lines that let a page of `origin` read the answer."""
    return (
        b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n"
        b"Access-Control-Expose-Headers: *\r\nVary: Origin\r\n" % origin
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
