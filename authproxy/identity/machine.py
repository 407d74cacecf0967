"""The machine as sources of tokens see it; a process makes one and hands it in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType

from authproxy.identity.apart.helper import Helper
from authproxy.identity.clock_skew import Skew
from authproxy.identity.programs import Programs


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """Environment, difference of the clock from Google's, and the programs that run.

    A context manager: when it is left, programs that still run are killed.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """Where variables are looked up, and what programs are run with."""
    skew: Skew = field(default_factory=Skew)
    """All that ask Google learn from its answers, and use, the same difference."""
    programs: Programs = field(default_factory=Programs)
    helper: Helper | None = None
    """Of a process apart that asks Google; without one that is done in this process."""

    def __enter__(self) -> "Machine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.programs.end()
        if self.helper is not None:
            self.helper.end()

    @property
    def pids(self) -> set[int]:
        """Of all processes that run for it, and those that have ended and are not waited for."""
        return {*self.programs.pids, *(() if self.helper is None else self.helper.pids)}

    def kill_running(self) -> None:
        """Nobody wants the tokens any more that are being fetched by other processes."""
        self.programs.kill_running()
        if self.helper is not None:
            self.helper.kill_running()
