"""What must hold of a soak. Pure.

Nothing here is a speed: it holds on a machine that others use as well, where a proxy answers less.
"""

from collections.abc import Iterator, Sequence

from benchmarks.soak.clients import KINDS
from benchmarks.soak.side import Plan, Seen

KEPT_MEMORY = 2.0
"""Of what it had at its start it may have at most this a minute after the load; 1.4 was seen."""
GROWTH = 1.35
"""Its last quarter under load may take at most this of what its second quarter took."""
SPARE_FILES = 8
"""As many more may be open a minute after the load than at the start; fewer were seen."""
FEWEST_LOOKS = 8
"""With fewer looks at its memory a quarter says nothing."""


def complaints(seen: Seen, plan: Plan) -> list[str]:
    """A sentence for each promise that did not hold."""
    return [f"{seen.build}: {said}" for said in _complaints(seen, plan)]


def _complaints(seen: Seen, plan: Plan) -> Iterator[str]:
    if seen.wrong:
        yield f"{seen.wrong:,} wrong answers"
    silent = [name for name in KINDS if not seen.answers.get(name)]
    if silent:
        yield f"no answer at all for: {', '.join(silent)}"
    if plan.reload_every_s and plan.seconds > plan.reload_every_s and not seen.reloads:
        yield "its configuration was never replaced"
    yield from _of_deaths(seen, plan)
    if seen.kept_mib > seen.kept_limit_mib:
        yield f"its inspector kept {seen.kept_mib:.1f} MiB of {seen.kept_limit_mib:.0f}"
    if not plan.records and seen.end_mib > KEPT_MEMORY * seen.start_mib:
        yield f"{seen.end_mib:.0f} MiB a minute after the load, {seen.start_mib:.0f} at its start"
    if seen.files_end > seen.files_start + SPARE_FILES:
        yield f"{seen.files_end:,} files open after the load, {seen.files_start} at its start"
    second, last = quarters([mib for _, mib, _ in seen.course])
    if last > GROWTH * second:
        said = f"{second:.0f} MiB in the second quarter of the load, {last:.0f} in the last"
        yield f"it grows: {said}"


def _of_deaths(seen: Seen, plan: Plan) -> Iterator[str]:
    if plan.kill_every_s and plan.seconds > plan.kill_every_s and not seen.deaths:
        yield "none of its workers was killed"
    clients = sum(max(1, round(kind.count * plan.scale)) for kind in KINDS.values())
    if seen.lost > seen.deaths * clients:
        yield f"{seen.lost:,} connections lost by {seen.deaths} deaths, with {clients} clients"


def quarters(course: Sequence[float]) -> tuple[float, float]:
    """The means of the second and of the last quarter; zeros when there is too little of it."""
    size = len(course) // 4
    if len(course) < FEWEST_LOOKS:
        return 0.0, 0.0
    return sum(course[size : 2 * size]) / size, sum(course[-size:]) / size
