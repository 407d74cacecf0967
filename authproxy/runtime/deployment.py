"""Builds a configuration, and puts it in the place of the one before in one step.

Theory of operation. All that can fail or take long is in `build`, which runs in a thread and
touches nothing that is in use: files are read, contexts made, sockets opened. What comes of it is a
`Deployment`. `use` cannot fail, and the event loop does nothing else meanwhile: whoever asks before
it is judged by the one, whoever asks after it by the other.

Three things of a configuration outlive it. Sources of tokens, by `Sources`. Sockets, and the rules
that the connections which came by them look into, by `OpenSockets`: those rules become the new
ones. And the pool of a service that is reached as before. Everything else is made anew, and what
was, is held by those alone who began with it.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from authproxy.errors import ConfigError, CredentialError, Problem, StartError
from authproxy.file_watch import FileWatch
from authproxy.policy.access.client_limits import ClientLimits
from authproxy.runtime.listeners import Gate
from authproxy.runtime.open_sockets import ClientServer, Open, OpenSockets, Plan, open_ours
from authproxy.runtime.services import Builder
from authproxy.runtime.sources import Needs, Sources
from authproxy.settings import ListenerSettings, Settings
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.listening.tls import ListenerTls
from authproxy.wire.upstream.pool import Pool
from authproxy.wire.upstream.upstream import Upstream

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One configuration, ready to be used."""

    settings: Settings
    files: FileWatch
    """Looks after its files, from `use` on."""
    needs: Needs
    gate: Gate
    upstreams: Mapping[str, Upstream]
    tls: ListenerTls | None
    plan: Plan
    rules: Sequence[ListenerRules]
    """Of each listener in `plan`."""
    authorizer: ListenerRules | None
    """By which the authorizer decides, if there is one."""
    left: dict[ListenerRules, ListenerRules]
    """What the rules of listeners that are no more become. They are kept by connections alone."""

    @property
    def pools(self) -> Sequence[Pool]:
        return [each.pool for each in self.upstreams.values()]

    def drop(self) -> None:
        """It does not come into use."""
        self.plan.drop()


class Deployments:
    """Builds them, for one running proxy."""

    def __init__(
        self,
        sources: Sources,
        limits: ClientLimits,
        *,
        own_names: Sequence[bytes],
        is_ready: Callable[[], bool],
        on_change: Callable[[], None],
        on_tls_change: Callable[[], None],
        open_new: Open = open_ours,
    ) -> None:
        """`own_names`: of fields that observers put on requests. `is_ready`: what is said at
        `health_path`. `on_change` is called when files have changed who may pass, `on_tls_change`
        when others have that connections to services are made with."""
        self.sockets = OpenSockets(open_new)
        self.sources = sources
        self.limits = limits
        self._on_tls_change = on_tls_change
        self._own_names = own_names
        self._is_ready = is_ready
        self._on_change = on_change
        self.authorizer: ListenerRules | None = None
        """The rules of all configurations, one after the other, by which the authorizer decides."""

    def build(self, settings: Settings, *, at_start: bool = False) -> Deployment:
        """Raises ConfigError with every problem; `at_start` the first one, or StartError. May
        block."""
        files, problems = FileWatch(), _Problems(gather=not at_start)
        gate = problems.attempt(
            "keys", lambda: Gate(settings, files, self.limits, self._is_ready, self._on_change)
        )
        builder = Builder(
            settings,
            self.sources,
            files,
            found=lambda name, service: gate.found(name, service) if gate is not None else None,
            own_names=self._own_names,
        )
        upstreams: dict[str, Upstream] = {}
        for name, service in settings.services.items():
            built = problems.attempt(f"services.{name}", partial(builder.build, name, service))
            if built is not None and gate is not None:
                upstreams[name] = built
                problems.attempt(f"services.{name}", partial(gate.guard, built, service))
        tls = problems.attempt("tls_cert_file", lambda: _listener_tls(settings, files))
        for each in builder.needs.tls:
            files.watch(each.files, self.sources.contexts.seen(each), self._on_tls_change)
        problems.check()
        assert gate is not None  # noqa: S101 -- for the type checker: it was made
        rules = [
            problems.attempt(str(each.listen), partial(gate.rules_for, each, upstreams))
            for each in settings.every_listener
        ]
        asked = problems.attempt("authorizer", partial(_asked_rules, gate, settings, upstreams))
        problems.check()
        plan = problems.attempt("listen", lambda: self.sockets.plan(settings))
        problems.check()
        assert plan is not None  # noqa: S101 -- for the type checker: it was made
        return Deployment(
            settings=settings,
            files=files,
            needs=builder.needs,
            gate=gate,
            upstreams=upstreams,
            tls=tls,
            plan=plan,
            rules=[each for each in rules if each is not None],
            authorizer=asked,
            left={
                old: _rules_left(gate, old, listener, upstreams)
                for old, listener in self.sockets.left_by(plan).items()
            },
        )

    def give_up(self, in_use: Deployment) -> None:
        """What was built last does not come into use: nothing that it asked for is kept."""
        self.sources.keep_only(in_use.needs)

    def use(
        self, built: Deployment, server: ClientServer, before: Deployment | None
    ) -> list[tuple[str, ListenerSettings]]:
        """In one step. Returns each listener with its URL."""
        if before is not None:
            with built.gate.finding():
                keep_pools(before.upstreams, built.upstreams)
            before.gate.retire()
            _keep_protocols(before, built)
        opened = self.sockets.use(built.plan, built.rules, built.gate, built.tls, server)
        if built.authorizer is not None:
            self.authorizer = built.gate.put(built.authorizer, self.authorizer)
        for old, new in built.left.items():
            old.become(new)
        built.left.clear()
        self.sources.keep_only(built.needs)
        built.files.start()
        return opened


class _Problems:
    """All that is wrong, found one after the other."""

    def __init__(self, *, gather: bool) -> None:
        self._gather = gather
        self._found: list[Problem] = []

    def attempt(self, key: str, make: Callable[[], Made]) -> Made | None:
        """None where that is not possible. Raises ConfigError or StartError if they are not to be
        gathered."""
        try:
            return make()
        except ConfigError as error:
            self._found += error.problems
            if not self._gather:
                raise
        except StartError as error:
            if not self._gather:
                raise
            message = f"{error} {error.hint}".strip()
            self._found.append(Problem(where="configuration", key=key, message=message))
        return None

    def check(self) -> None:
        """Raises ConfigError."""
        if self._found:
            raise ConfigError(list(dict.fromkeys(self._found)))


def keep_pools(before: Mapping[str, Upstream], after: Mapping[str, Upstream]) -> None:
    """Let services that are reached as before have the connections that they had."""
    for name, upstream in after.items():
        if upstream.found is not None:
            # If its address is known, it is found at once, and so is what it is reached by.
            with contextlib.suppress(CredentialError):
                next(iter(upstream.supplies.values())).current()
        known = before.get(name)
        if known is None or known.found is not None or upstream.found is not None:
            continue
        if is_same_way(known.pool, upstream.pool):
            upstream.pool = known.pool


def _keep_protocols(before: Deployment, built: Deployment) -> None:
    """Offer clients what they were offered, where all services are reached as before."""
    known = {each.pool for each in before.upstreams.values()}
    is_same = all(each.pool in known for each in built.upstreams.values())
    if is_same and before.tls is not None and built.tls is not None and before.tls.prefers_http2:
        built.tls.prefer_http2()


def is_same_way(one: Pool, other: Pool) -> bool:
    """To the same place, by the same proxy, with the same TLS and the same patience."""
    return (
        one.connector.is_same_way(other.connector)
        and one.limits == other.limits
        and one.timeouts == other.timeouts
    )


def _listener_tls(settings: Settings, files: FileWatch) -> ListenerTls | None:
    """The certificate for clients on TCP. Raises StartError."""
    if settings.tls_cert_file is None:
        return None
    return ListenerTls(settings.tls_cert_file, settings.tls_key_file, files)


def _asked_rules(
    gate: Gate, settings: Settings, upstreams: Mapping[str, Upstream]
) -> ListenerRules | None:
    """By which the authorizer decides; None where there is none. Raises ConfigError."""
    places = settings.authorizer.places
    if not places:
        return None
    rules = gate.rules_for(ListenerSettings.model_construct(listen=places[0][1]), upstreams)
    rules.probe = None  # whoever asks for that path asks the proxy in front
    return rules


def _rules_left(
    gate: Gate, old: ListenerRules, listener: ListenerSettings, upstreams: Mapping[str, Upstream]
) -> ListenerRules:
    """What holds for those who came by a listener that is no more."""
    anywhere = listener.model_copy(update={"service": None})
    try:
        rules = gate.rules_for(anywhere, upstreams)
    except ConfigError:  # its lists are no more either
        files = {"allow_file": None, "deny_file": None}
        rules = gate.rules_for(anywhere.model_copy(update=files), upstreams)
        rules.access = old.access
    rules.is_closed = True
    return rules
