"""Reads the configuration anew while authproxy runs: who asks for that, and what came of it."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from authproxy.errors import ConfigError, Problem
from authproxy.file_watch import FileWatch, Marks, marks
from authproxy.runtime.deployment import Deployment
from authproxy.runtime.process.memory import without_looking
from authproxy.settings import Settings
from authproxy.system.offers import open_flags
from authproxy.threads import in_thread

if TYPE_CHECKING:
    from authproxy.config.changes import ReloadAnswer

logger = logging.getLogger(__name__)

DEADLINE_S = 60.0
"""For reading and building; after that a file is taken to hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigOrigin:
    """Origin of a run's configuration."""

    read: Callable[[], tuple[Settings, Sequence[Problem]]]
    """Reads it all once more, with what is worth saying of it. Raises ConfigError. May block."""
    file: Path | None = None
    """None where it comes from the command line and the environment alone."""
    _seen: list[Marks] = field(default_factory=list)

    def load(self) -> tuple[Settings, Sequence[Problem]]:
        """As `read`, and notes which file it was."""
        if self.file is not None:
            self._seen[:] = [marks((self.file,))]  # before it is read: what changes then is seen
        return self.read()

    def watch(self, files: FileWatch, changed: Callable[[str], None]) -> None:
        """Have `changed` called when the file is another than the one that was read."""
        if self.file is not None:
            seen = self._seen[0] if self._seen else marks((self.file,))
            files.watch((self.file,), seen, lambda: changed(f"{self.file} has changed"))


class Reloadable(Protocol):
    """The proxy whose configuration it is."""

    @property
    def settings(self) -> Settings:
        """Those in use."""

    @property
    def is_ending(self) -> bool:
        """Nothing new begins any more."""

    def build(self, settings: Settings) -> Deployment:
        """What `settings` become, without touching what is in use. May block.

        Raises ConfigError with every problem.
        """

    async def prepare(self, built: Deployment) -> None:
        """Have all who serve clients ready for it. Raises ConfigError with every problem."""

    def drop(self, built: Deployment | None) -> None:
        """It does not come into use; None: it could not be built."""

    async def use(self, built: Deployment) -> None:
        """Put it in the place of what is in use."""


class Reloader:
    """One reload at a time."""

    def __init__(
        self, origin: ConfigOrigin | None, proxy: Reloadable, count: Callable[[bool], None]
    ) -> None:
        """`count` hears of each reload whether it worked."""
        self.origin = origin
        """None where there is nothing to read anew."""
        self._proxy = proxy
        self._count = count
        self._turn = asyncio.Lock()
        self.problems: tuple[str, ...] = ()
        """Why the configuration that was read last is not in use; empty when it is."""

    async def reload(self, why: str) -> "ReloadAnswer":
        """Read the configuration and use it, or say why not. `why`: who asks, for the log."""
        async with self._turn:
            with without_looking():
                found, built = await self._prepare()
                if built is not None:
                    await self._proxy.use(built)
            if built is None:
                self._proxy.drop(None)
            self.problems = found.problems
            self._count(built is not None)
        _tell(found, why)
        return found

    async def renew(self, why: str) -> None:
        """Build what is in use once more, as files that it names have changed."""
        async with self._turn:
            built = None
            try:
                built = await self._build(self._proxy.settings)
                await self._proxy.use(built)
            except ConfigError as error:
                logger.warning("%s, and cannot be used; what was read stays in use: %s", why, error)
            else:
                logger.info("%s: what is new is in use", why)

    async def use(self, built: Deployment) -> None:
        """Use what our parent had us build: after a renewal that is under way, which has begun with
        the settings before it and would bring them back."""
        async with self._turn:
            await self._proxy.use(built)

    async def preview(self) -> "ReloadAnswer":
        """What a reload would change, or why it would not work."""
        async with self._turn:
            with without_looking():
                found, built = await self._prepare()
            self._proxy.drop(built)
        return found

    async def _prepare(self) -> "tuple[ReloadAnswer, Deployment | None]":
        from authproxy.config.changes import ReloadAnswer, applicable, find_changes

        running = self._proxy.settings
        try:
            if self._proxy.is_ending:
                raise ConfigError([_problem("authproxy is stopping")])
            async with asyncio.timeout(DEADLINE_S):
                read, warnings = await self._read(running)
            changes = await in_thread(find_changes, running, read, name="configuration")
            built = await self._build(applicable(running, read))
        except ConfigError as error:
            return ReloadAnswer(problems=tuple(map(str, error.problems))), None
        except TimeoutError:
            why = f"it could not be read within {DEADLINE_S:g} s; does a network drive hang?"
            return ReloadAnswer(problems=(why,)), None
        found = ReloadAnswer(
            changes=changes.applied,
            needs_restart=changes.needs_restart,
            warnings=tuple(map(str, warnings)),
        )
        return found, built

    async def _read(self, running: Settings) -> tuple[Settings, Sequence[Problem]]:
        if self.origin is None:
            return running, ()
        return await in_thread(self.origin.load, name="configuration")

    async def _build(self, settings: Settings) -> Deployment:
        async with asyncio.timeout(DEADLINE_S):
            built = await in_thread(self._proxy.build, settings, name="configuration")
            try:
                await self._proxy.prepare(built)
            except BaseException:
                self._proxy.drop(built)
                raise
        return built

    def __repr__(self) -> str:
        return f"<Reloader [{len(self.problems)} problems]>"


def reloads_on_hangup(origin: ConfigOrigin | None) -> bool:
    """Whether SIGHUP means reload: there is a file, and no terminal that could have been closed."""
    return origin is not None and origin.file is not None and not has_terminal()


def has_terminal() -> bool:
    """Whether somebody's terminal controls this process, tty(4)."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | open_flags("O_NOCTTY")))
    except OSError:
        return False
    return True


def _tell(found: "ReloadAnswer", why: str) -> None:
    if found.problems:
        told = " | ".join(found.problems)
        logger.error("the configuration was not reloaded (%s); nothing has changed: %s", why, told)
        return
    told = "; ".join(found.changes) or "nothing has changed"
    logger.info("the configuration was reloaded (%s): %s", why, told)
    for warning in found.warnings:
        logger.warning("%s", warning)
    if found.needs_restart:
        names = ", ".join(found.needs_restart)
        logger.warning("%s: this takes a restart; until then it stays as it was", names)


def _problem(message: str) -> Problem:
    return Problem(where="authproxy", key="reload", message=message)
