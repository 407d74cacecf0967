"""What a sitting found, as a page for people and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import COMPARED, MEASURES, TABLES, Measure, Results, Table
from benchmarks.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Everything about a run but its numbers."""

    date: str
    plan: str
    cores: int
    cpu: str
    titles: dict[str, str]
    """Of the peers, by name, in the order of the table."""
    versions: dict[str, str]
    """Of every program that took part."""
    missing: dict[str, str]
    """Peers that could not take part, by name, and why."""
    reference: str
    targets: tuple[Target, ...]


TEMPLATE = Path(__file__).with_name("page.md")


def page(sitting: Sitting, results: Results) -> str:
    return TEMPLATE.read_text().format(
        date=sitting.date,
        plan=sitting.plan,
        cores=sitting.cores,
        cpu=sitting.cpu,
        tables=tables(sitting, results),
        targets=targets(sitting, results),
        failures=failures(sitting, results),
        versions="\n".join(f"- {name}: {text}" for name, text in sitting.versions.items()),
    )


def tables(sitting: Sitting, results: Results) -> str:
    """All medians and ranges, and what they are as multiples of the reference."""
    parts = [f"### {shown.title}\n\n{numbers(sitting, results, shown)}" for shown in TABLES]
    reference = sitting.titles.get(sitting.reference, sitting.reference)
    multiples = f"### As multiples of {reference}\n\n{ratios(sitting, results)}"
    return "\n\n".join([parts[0], multiples, *parts[1:]])


def numbers(sitting: Sitting, results: Results, shown: Table) -> str:
    """A table with those peers that take part in it."""
    heads = ["proxy", *(f"{measure.title}, {measure.unit}" for measure in shown.measures)]
    rows = [
        [title, *(_cell(sitting, results, measure, peer) for measure in shown.measures)]
        for peer, title in sitting.titles.items()
        if _takes_part(sitting, results, shown.measures, peer)
    ]
    return markdown_table(heads, rows)


def ratios(sitting: Sitting, results: Results) -> str:
    """The table of multiples of the reference, round by round."""
    rows = []
    for peer, title in sitting.titles.items():
        found = [results.ratio(measure, peer, sitting.reference) for measure in COMPARED]
        rows.append([title, *(ratio.text(2) if ratio else "–" for ratio in found)])
    return markdown_table(["proxy", *(measure.title for measure in COMPARED)], rows)


def targets(sitting: Sitting, results: Results) -> str:
    return "\n".join(
        f"- {sitting.titles.get(target.peer, target.peer)}: {target.wanted(sitting.titles)}:"
        f" {target.verdict(results)}."
        for target in sitting.targets
        if {target.peer, *target.references} <= sitting.titles.keys()
    )


def failures(sitting: Sitting, results: Results) -> str:
    """One line for each cell that says *failed* or row that says *missing*; empty without any."""
    missing = [
        f"- {sitting.titles[peer]} is missing: {why}" for peer, why in sitting.missing.items()
    ]
    failed = [
        f"- {sitting.titles[peer]}, {measure.title}: {why}"
        for measure in MEASURES
        for peer in sitting.titles
        if (why := results.failure(measure, peer)) is not None
    ]
    return "\n".join(["", "Failed:", "", *missing, *failed, ""]) if missing or failed else ""


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(sitting: Sitting, results: Results) -> dict[str, Any]:
    """All rounds' numbers, and what the page says about them."""
    return {
        "date": sitting.date,
        "plan": sitting.plan,
        "machine": {"cores": sitting.cores, "cpu": sitting.cpu},
        "versions": sitting.versions,
        "units": {measure.name: measure.unit for measure in MEASURES},
        "rounds": results.numbers,
        "failures": results.failures,
        "missing": sitting.missing,
        "ratios_to": {
            sitting.reference: {
                measure.name: {
                    peer: round(ratio.median, 3)
                    for peer in sitting.titles
                    if (ratio := results.ratio(measure, peer, sitting.reference))
                }
                for measure in COMPARED
            }
        },
        "targets": {
            f"{target.peer}: {target.wanted(sitting.titles)}": target.verdict(results)
            for target in sitting.targets
        },
    }


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown CPU"


def _takes_part(sitting: Sitting, results: Results, measures: Sequence[Measure], peer: str) -> bool:
    """Whether there is anything to show, or its absence must be shown."""
    return peer in sitting.missing or any(
        results.failure(one, peer) or results.spread(one, peer) for one in measures
    )


def _cell(sitting: Sitting, results: Results, measure: Measure, peer: str) -> str:
    if peer in sitting.missing:
        return "*missing*"
    if results.failure(measure, peer) is not None:
        return "*failed*"
    spread = results.spread(measure, peer)
    return spread.text(measure.digits) if spread else "–"
