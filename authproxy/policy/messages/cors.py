"""CORS lines for pages of other origins that the configuration allows (Fetch standard 3.3).

A service that speaks of origins in its answer knows who may read what of it, and its word passes as
it came: a page reads what it would read without us. Where it says nothing, the configuration does:
the page may read the answer and its fields. Nobody else is told anything.

Preflights are answered here: they come without credentials of the page, and services behind IAM do
not expect them.
"""

from authproxy.errors import Code, Refused
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.origin_mapping import Home, service_origin

MAX_AGE_S = 600
ALLOW_ORIGIN = b"access-control-allow-origin"
"""The service speaks for itself where its answer has this field."""
_WITH_IT = frozenset([b"access-control-allow-credentials"])
"""Fields of a service's answer that give way to ours; without the other they mean nothing."""
_IT_ALONE = frozenset([ALLOW_ORIGIN])
_NOTHING: frozenset[bytes] = frozenset()


def answer_lines(origin: bytes) -> bytes:
    """The finished lines that let a page of `origin` read the answer."""
    return (
        b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n"
        b"Access-Control-Expose-Headers: *\r\nVary: Origin\r\n" % origin
    )


def settle(cors: bytes, said: bytes | None, home: Home | None) -> tuple[bytes, frozenset[bytes]]:
    """The lines to put into an answer, and the names of the service's fields that give way.

    `cors`: those of `answer_lines`, or none; `said`: the service's own Access-Control-Allow-Origin.
    """
    if not cors:
        return b"", _NOTHING
    if said is None:
        return cors, _WITH_IT
    line = cors.partition(b"\r\n")[0]
    page = line.partition(b": ")[2]
    # A page of another service here was presented to this one by that service's own address.
    if home is None or said == page or said != service_origin(page, home):
        return b"", _NOTHING
    return line + b"\r\n", _IT_ALONE


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
