"""What holds for all clients that come in by one listener."""

from dataclasses import dataclass, field

from authproxy.policy.access import AccessList, AddressSet
from authproxy.policy.keys import KeyRing
from authproxy.policy.limits import Failures, RateLimiter
from authproxy.policy.routes import Routes
from authproxy.wire.upstream import Upstream

NOBODY = AddressSet(())


@dataclass(slots=True, eq=False)
class ListenerRules:
    """Its parts are replaced, never changed; `version` then tells connections to decide anew."""

    routes: Routes[Upstream]
    access: AccessList
    trusted: AddressSet = NOBODY
    """The proxies whose word about their clients counts."""
    allow_origins: frozenset[bytes] = frozenset()
    """Origins whose pages may use all services, as `normal_origin` gives them."""
    peer_uids: frozenset[int] | None = None
    """Users who may connect to a Unix socket; None: all whom the file's mode lets in."""
    keys: KeyRing | None = None
    """Keys of which clients must show one; None: nobody needs one."""
    key_header: bytes = b"x-api-key"
    """In lower case."""
    failures: Failures = field(default_factory=Failures)
    limiter: RateLimiter | None = None
    version: int = 0

    def __repr__(self) -> str:
        return f"<ListenerRules [{self.routes}, version {self.version}]>"
