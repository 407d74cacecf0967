"""The running proxy as the inspector sees it; `runtime` fills it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from authproxy.inspector.replay import ReplayListener


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyState:
    """Functions, so that each tells how it is when it is asked."""

    services: Callable[[], Sequence[Mapping[str, object]]]
    """Each with `name`, and what is to be shown of it: address, identity, audience, tokens."""
    configuration: Callable[[], str]
    """As JSON, secrets by their place."""
    examine: Callable[[], Awaitable[str]]
    """What `authproxy doctor --json` says, made anew."""
    doors: Callable[[], Sequence[ReplayListener]]
    """Listeners of ours that a replay can go through."""
    refresh: Callable[[], Awaitable[None]] | None = None
    """Has other processes tell of exchanges that have ended just now."""
    key_header: str = ""
    """Where clients show keys, in lower case; empty where they need none."""
