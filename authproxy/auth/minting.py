"""The tokens of named services, made and renewed in a thread of its own.

All that use one share it: threads, event loops one after another, and both at once. On the way of
most requests it is not asked: what it gave is good for a moment. A process made by fork gets a
thread of its own with its first question; the tokens that its parent had are good there too.
"""

import threading
import time
import weakref
from collections.abc import Mapping
from concurrent.futures import Future

from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.event_loop import with_resolver
from authproxy.exchange import Token
from authproxy.identity.clock_skew import Skew
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.loop_thread import LoopThread, on_fork
from authproxy.runtime.sources import Identity, Needs, Sources
from authproxy.settings import Settings

KNOWN_FOR_S = 1.0
"""How long a token is given again without a question to the thread."""


class Mints:
    """Tokens, sources and cache: all that lives in the thread."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], skew: Skew) -> None:
        """Raises StartError for an egress proxy that cannot be used."""
        egress = find_egress_for_tokens(settings, environ)
        self._machine = Machine(environ, skew)
        self._cache = TokenCache(deadline_s=settings.timeouts.token, skew=skew)
        sources, needs = Sources(self._cache, self._machine), Needs()
        self._tokens: dict[str, Tokens] = {}
        for name, service in settings.services.items():
            source = sources.source(Identity.of(service, service.token_scopes, egress), needs)
            self._tokens[name] = sources.tokens_for(source, service.token_audience, needs)

    async def get(self, name: str) -> Token:
        """Raises CredentialError."""
        return await self._tokens[name].get()

    async def reject(self, name: str, token: Token) -> bool:
        return self._tokens[name].reject(token)

    async def close(self) -> None:
        await self._cache.close()
        self._machine.programs.end()


class Minting:
    """Starts its thread when it is first asked for a token."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.skew = Skew()
        self._settings = settings
        self._environ = environ
        self._known: dict[str, tuple[Token, float]] = {}
        self._lock = threading.Lock()
        self._running: list[tuple[LoopThread, Mints]] = []
        """None or one."""
        self._of_parents: list[tuple[LoopThread, Mints]] = []
        """Of processes that this one was forked from: to close them here would be felt there."""
        self._is_closed = False
        self._finalizer = weakref.finalize(self, _end, self._running)
        on_fork(self._forked)

    def at_hand(self, name: str) -> Token | None:
        """What was given a moment ago, for most requests. Never waits."""
        known = self._known.get(name)
        return known[0] if known is not None and time.monotonic() < known[1] else None

    def get(self, name: str) -> "Future[Token]":
        """A token that can be sent: at once when there is one. CredentialError is the future's."""
        thread, inside = self._started()
        future = thread.submit(inside.get(name))
        future.add_done_callback(lambda done: self._note(name, done))
        return future

    def reject(self, name: str, token: Token) -> "Future[bool]":
        """Whether another try is worth it: see `token_cache.service_tokens`."""
        self._known.pop(name, None)
        thread, inside = self._started()
        return thread.submit(inside.reject(name, token))

    def close(self) -> None:
        """End the thread; whoever waits for a token gets CredentialError."""
        self._is_closed = True
        self._finalizer()

    def _note(self, name: str, done: "Future[Token]") -> None:
        if not done.cancelled() and done.exception() is None:
            self._known[name] = done.result(), time.monotonic() + KNOWN_FOR_S

    def _started(self) -> tuple[LoopThread, Mints]:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this ServiceAuth is closed: make a new one")
            if not self._running:
                inside = Mints(self._settings, self._environ, self.skew)
                thread = LoopThread("authproxy-tokens", with_resolver(None))
                self._running.append((thread, inside))
            return self._running[0]

    def _forked(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent's may have held it
        self._of_parents += self._running
        self._running.clear()

    def __repr__(self) -> str:
        return f"<Minting [{'running' if self._running else 'not running'}]>"


def _end(running: list[tuple[LoopThread, Mints]]) -> None:
    while running:
        thread, inside = running.pop()
        thread.stop(inside.close())
