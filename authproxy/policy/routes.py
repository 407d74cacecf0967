"""Which service a request is for, by the name it asked for."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

from authproxy.errors import Code, Refused
from authproxy.policy.access import Address

Service = TypeVar("Service")

MAX_NAME = 253  # RFC 1035 2.3.4


def parse_host(authority: bytes) -> str:
    """The host of a `Host` field or an absolute target, in lower case, without port and brackets.

    Raises Refused for what is no `host[:port]` (RFC 9110 4.2.1, RFC 3986 3.2.2).
    """
    try:
        text = authority.decode("ascii").strip().lower()
    except UnicodeDecodeError:
        raise _bad_host() from None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        host = _spell_ipv6(host) if bracket else ""
    else:
        host, colon, rest = text.partition(":")
        host, rest = host.removesuffix("."), colon + rest
    if rest and not (rest[0] == ":" and (rest == ":" or rest[1:].isdecimal())):
        raise _bad_host()
    if not host or len(host) > MAX_NAME or not set(host) <= _HOST_CHARS:
        raise _bad_host()
    return host


def _spell_ipv6(text: str) -> str:
    """The one spelling of an IPv6 address, of a mapped one the IPv4 one's; empty for none."""
    address = _as_address(text)
    return str(address.ipv4_mapped or address) if isinstance(address, IPv6Address) else ""


class Routes(Generic[Service]):
    """From host to service.

    A page that the user happens to visit can point a name of its own at 127.0.0.1 (DNS rebinding);
    its requests then carry that name. So only names known beforehand are answered for: localhost,
    loopback addresses, the address that the client reached, `NAME.localhost` and configured names.
    """

    def __init__(
        self,
        services: Mapping[str, tuple[Service, Sequence[str]]],
        *,
        hosts: Sequence[str] = (),
    ) -> None:
        """`services`: by name, each with its own hosts; `hosts`: the listener's further names."""
        self._by_host: dict[str, Service] = {}
        for name, (service, own) in services.items():
            for host in (f"{name}.localhost", *own):
                self._by_host[host] = service
        self._shared = frozenset(("localhost", *hosts))
        only = len(services) == 1
        self._default = next(iter(services.values()))[0] if only else None
        self._names = tuple(services)

    def get(self, host: str, local: Address | None) -> Service:
        """The service for `host`; `local` is the listener's address that the client reached.

        Raises Refused: 421 for a name that is not ours, 404 when it is but leads nowhere.
        """
        service = self._by_host.get(host)
        if service is not None:
            return service
        if not self._is_shared(host, local):
            raise Refused(
                "This proxy does not answer for the host name of this request.",
                code=Code.HOST_NOT_ALLOWED,
                hint="Use localhost, or add the name to `hosts` in the configuration.",
                detail=f"Host: {host}",
            )
        if self._default is None:
            known = ", ".join(f"{name}.localhost" for name in self._names)
            raise Refused(
                f"No service belongs to {host}.",
                code=Code.NO_ROUTE,
                hint=f"Ask for one of the services by name: {known}",
            )
        return self._default

    def _is_shared(self, host: str, local: Address | None) -> bool:
        if host in self._shared or host.endswith(".localhost"):
            return True
        address = _as_address(host)
        return address is not None and (address.is_loopback or address == local)

    def __repr__(self) -> str:
        return f"<Routes [{', '.join(self._names)}]>"


_HOST_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_:")


def _as_address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _bad_host() -> Refused:
    return Refused(
        "The Host header is not a host name with an optional port.",
        code=Code.BAD_REQUEST,
        hint="Send one Host header, as in `Host: localhost:8080`.",
    )


def split_target(target: bytes, host: bytes | None) -> tuple[bytes, bytes | None]:
    """The target to send on and the authority that counts (RFC 9112 3.2).

    An absolute target, which clients send to what they take for a forward proxy, carries its own
    authority; it wins over the Host field. Raises Refused for a target that is none.
    """
    if target[:1] == b"/" or target == b"*":
        return target, host
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise Refused(
            "The target of the request is neither a path nor an absolute URL.",
            code=Code.BAD_REQUEST,
        )
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    path = rest[end:]
    return path if path[:1] == b"/" else b"/" + path, rest[:end]
