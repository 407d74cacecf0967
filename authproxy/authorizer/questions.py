"""Questions of other proxies, by HTTP: the request that each is about, as its client has sent it.

The proxy writes five fields, in place of what its client has sent under these names; all others are
the client's own. Nothing is taken from the question's own method, path and Host: nginx and Caddy
always ask by GET, and Caddy takes along the client's query. But its Host must be one by which no
page can have a browser ask, see `check_name`.
"""

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from authproxy.errors import Code, Refused
from authproxy.exchange import Field, RequestHead, make_field
from authproxy.policy.routes import parse_host
from authproxy.wire.http1.heads import HeadError, parse_request_line

METHOD = b"x-forwarded-method"
TARGET = b"x-forwarded-uri"
HOST = b"x-forwarded-host"
PROTO = b"x-forwarded-proto"
CLIENT = b"x-forwarded-for"

_ONCE = (METHOD, TARGET, HOST, PROTO)
# Who says `Forwarded` is the client, and it would count as much as the proxy's own word.
_NOT_ITS_OWN = frozenset([METHOD, TARGET, HOST, b"host", b"forwarded"])
_FRAMING = (b"content-length", b"transfer-encoding")
_HINT = "docs/authorizer.md of authproxy has the configuration for each proxy."


def read_question(fields: Sequence[Field]) -> RequestHead:
    """The request that is asked about. Raises Refused for a question that does not name it."""
    given = {name: _only(fields, name) for name in _ONCE}
    if given[PROTO] not in (b"http", b"https"):
        raise _bad(f"{_title(PROTO)} must be http or https")
    if all(name != CLIENT for name, _, _ in fields):
        raise _bad(f"{_title(CLIENT)} is missing, so that nobody knows who the client is")
    if any(name in _FRAMING for name, _, _ in fields):
        raise _bad("it has a body, or a Content-Length that announces one")
    line = b"%b %b HTTP/1.1" % (given[METHOD], given[TARGET])
    try:
        method, target, version = parse_request_line(line)
    except HeadError:
        raise _bad(f"{_title(METHOD)} and {_title(TARGET)} are no method and target") from None
    own = [field for field in fields if field[0] not in _NOT_ITS_OWN]
    return RequestHead(method, target, version, [make_field(b"Host", given[HOST]), *own])


def check_name(fields: Sequence[Field], is_ours: Callable[[str], bool]) -> None:
    """Raises Refused for a name that somebody could have led to us (DNS rebinding).

    A page of that name could write all other fields, from an address that is trusted, and read the
    token. Proxies ask by an address, by a name without dots (of a container, of nginx's upstream),
    or by the Host of their client, and that is judged like any client's.
    """
    told = [value for name, value, _ in fields if name == HOST]
    for value in (value for name, value, _ in fields if name == b"host"):
        if [value] == told:
            continue
        name = parse_host(value)
        if "." in name and not _is_address(name) and not is_ours(name):
            raise Refused(
                f"The authorizer does not answer to the name {name}.",
                code=Code.HOST_NOT_ALLOWED,
                hint="Have the proxy in front ask by an address, or add the name to `hosts`.",
                detail=f"a question to the authorizer: Host is {name}",
            )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _only(fields: Sequence[Field], wanted: bytes) -> bytes:
    """Two of them would be one of the proxy's and one of its client's."""
    values = [value for name, value, _ in fields if name == wanted]
    if len(values) != 1 or not values[0]:
        what = "is there more than once" if len(values) > 1 else "is missing"
        raise _bad(f"{_title(wanted)} {what}")
    return values[0]


def _bad(why: str) -> Refused:
    return Refused(
        f"The proxy in front has not said what this request is: {why}.",
        code=Code.BAD_REQUEST,
        hint=_HINT,
        detail=f"a question to the authorizer: {why}",
    )


def _title(name: bytes) -> str:
    return name.decode().title()
