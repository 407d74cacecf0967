"""What a soak found, as a table for people. Pure."""

from collections.abc import Sequence

from benchmarks.report import markdown_table
from benchmarks.soak.side import Seen


def table(sides: Sequence[Seen]) -> str:
    """A column for each build; ratios are to the first one."""
    first = sides[0]
    rows = [
        ["memory at its start, MiB", *(f"{side.start_mib:.0f}" for side in sides)],
        ["at most, MiB", *(_beside(side.peak_mib, first.peak_mib) for side in sides)],
        [
            "a minute after the load, MiB",
            *(_beside(side.end_mib, side.start_mib) for side in sides),
        ],
        ["open files at its start", *(str(side.files_start) for side in sides)],
        ["open files at most", *(f"{side.files_peak:,}" for side in sides)],
        ["open files a minute after the load", *(str(side.files_end) for side in sides)],
        ["answers", *(f"{side.answered:,}" for side in sides)],
        ["reloads, a quarter of them refused", *(f"{side.reloads:,}" for side in sides)],
        ["kept by the inspector at most, of its bound, MiB", *(map(_kept, sides))],
        ["workers killed", *(f"{side.deaths:,}" for side in sides)],
        ["connections lost with them", *(f"{side.lost:,}" for side in sides)],
        ["wrong answers", *(f"{side.wrong:,}" for side in sides)],
        [
            "CPU time for each answer, µs",
            *(_beside(_cost(side), _cost(first), 1) for side in sides),
        ],
    ]
    kinds = list(dict.fromkeys(kind for side in sides for kind in side.answers))
    rows += [
        [f"answers: {kind}", *(f"{s.answers.get(kind, 0):,}" for s in sides)] for kind in kinds
    ]
    return markdown_table(["", *(side.build for side in sides)], rows)


def faults(sides: Sequence[Seen]) -> list[str]:
    """A line for each answer that was wrong, as far as they were kept."""
    return [f"{side.build}: {line}" for side in sides for line in side.told]


def _kept(side: Seen) -> str:
    return f"{side.kept_mib:.1f} of {side.kept_limit_mib:.0f}" if side.kept_limit_mib else "-"


def _cost(side: Seen) -> float:
    return side.cpu_s * 1e6 / max(1, side.answered)


def _beside(value: float, reference: float, digits: int = 0) -> str:
    return f"{value:.{digits}f} ({value / reference:.2f})"
