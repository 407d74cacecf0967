"""`authproxy doctor`: what is wrong, and what to do about the first of it."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from authproxy.commands.doctor.clock import check_clock
from authproxy.commands.doctor.rendering import as_json, as_text
from authproxy.commands.doctor.runner import examine
from authproxy.commands.doctor.subject import NOWHERE, subjects_of
from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.event_loop import run_to_end
from authproxy.identity.machine import Machine
from authproxy.settings import Settings
from authproxy.values.wording import wants_colour

Say = Callable[[str], object]

_SERVICE_URL = re.compile(r"AUTHPROXY_(CONFIG|URL|SERVICES_.+_URL)")


def nowhere(config: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What stands for the address that nothing names; none when file or environment may."""
    named = config or any(value and _SERVICE_URL.fullmatch(k) for k, value in environ.items())
    return () if named else (NOWHERE,)


def run(
    settings: Settings,
    names: Sequence[str],
    machine: Machine,
    *,
    json: bool,
    terminal: bool,
    say: Say,
    clock: Callable[[], float] = time.time,
) -> int:
    """Examine the services named and tell `say`; the exit code says which check failed first.

    `terminal`: whether a person looks on, who may like colours. Raises StartError for an egress
    proxy that cannot be used.
    """
    subjects = subjects_of(settings, names, machine)
    egress = find_egress_for_tokens(settings, machine.environ)
    report = run_to_end(examine(subjects, partial(check_clock, egress, clock)))
    colour = wants_colour(machine.environ, at_terminal=terminal)
    say(as_json(report) if json else as_text(report, colour=colour))
    return report.exit_code
