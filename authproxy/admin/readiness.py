"""Is authproxy ready? Decided from how tokens stand: no I/O, no clock.

A service is ready when its requests can be sent, or could be for all that is known:

- With a good token it is, also while renewing fails: requests go out with it. The answer says so.
- Without one it is not, if the last try failed: requests would get 503.
- Without one it is not either, if none has ever come: it is on its way.
- A token that ended because nobody used it is no failure: the next request gets a new one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from authproxy.admin.inside import Phase, ServiceState
from authproxy.errors import join_sentences
from authproxy.identity.token_cache.status import TokenStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealth:
    """Readiness of one service."""

    name: str
    ready: bool
    why: str = ""
    """Why not, or what is wrong though it is; empty when all is well. No secret is in it."""
    principal: str = ""

    def line(self) -> Mapping[str, object]:
        """As a line of JSON has it."""
        return {
            "service": self.name,
            "ready": self.ready,
            "principal": self.principal,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Readiness of authproxy as a whole."""

    phase: Phase
    services: tuple[ServiceHealth, ...]

    @property
    def ready(self) -> bool:
        return self.phase == "serving" and all(each.ready for each in self.services)


def health(phase: Phase, services: Iterable[ServiceState]) -> Health:
    return Health(phase=phase, services=tuple(map(service_health, services)))


def service_health(state: ServiceState) -> ServiceHealth:
    found = [(_is_ready(each), _why(each)) for each in state.tokens]
    ready = all(is_ready for is_ready, _ in found)
    # What keeps the service from working comes first, and there it ends.
    why = next((text for is_ready, text in found if not is_ready and text), "")
    return ServiceHealth(
        name=state.name,
        ready=ready,
        why=why or next((text for _, text in found if text), ""),
        principal=next((each.principal for each in state.tokens if each.principal), ""),
    )


def _is_ready(status: TokenStatus) -> bool:
    return status.sendable or (status.trouble is None and status.obtained > 0)


def _why(status: TokenStatus) -> str:
    """Of a key's account, with its name: nobody else's requests lack that token."""
    why = _wrong(status)
    return f"For keys that act as {status.account}: {why}" if why and status.account else why


def _wrong(status: TokenStatus) -> str:
    trouble = status.trouble
    if trouble is not None:
        why = join_sentences(trouble.message, trouble.hint)
        return f"The token is still good, but renewing it fails: {why}" if status.sendable else why
    if not _is_ready(status):
        return "No token has come yet."
    return ""
