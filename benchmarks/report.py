"""What a sitting found, as a page for people and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import COMPARED, MEASURES, Measure, Results, Target


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
    reference: str
    targets: tuple[Target, ...]


TEMPLATE = Path(__file__).with_name("page.md")


def page(sitting: Sitting, results: Results) -> str:
    return TEMPLATE.read_text().format(
        date=sitting.date,
        plan=sitting.plan,
        cores=sitting.cores,
        cpu=sitting.cpu,
        table=numbers(sitting, results),
        reference=sitting.titles.get(sitting.reference, sitting.reference),
        ratios=ratios(sitting, results),
        targets=targets(sitting, results),
        failures=failures(sitting, results),
        versions="\n".join(f"- {name}: {text}" for name, text in sitting.versions.items()),
    )


def numbers(sitting: Sitting, results: Results) -> str:
    """The table of medians and ranges."""
    heads = ["proxy", *(f"{measure.title}, {measure.unit}" for measure in MEASURES)]
    rows = [
        [title, *(_cell(results, measure, peer) for measure in MEASURES)]
        for peer, title in sitting.titles.items()
    ]
    return markdown_table(heads, rows)


def ratios(sitting: Sitting, results: Results) -> str:
    """The table of multiples of the reference."""
    rows = []
    for peer, title in sitting.titles.items():
        found = [results.ratio(measure, peer, sitting.reference) for measure in COMPARED]
        rows.append([title, *(ratio.text(2) if ratio else "–" for ratio in found)])
    return markdown_table(["proxy", *(measure.title for measure in COMPARED)], rows)


def targets(sitting: Sitting, results: Results) -> str:
    return "\n".join(
        f"**Target**: {target.peer}, {target.measure.title}, beside"
        f" {sitting.titles.get(target.reference, target.reference)}: {target.verdict(results)}."
        for target in sitting.targets
    )


def failures(sitting: Sitting, results: Results) -> str:
    """One line for each cell that says *failed*; empty when there is none."""
    lines = [
        f"- {sitting.titles[peer]}, {measure.title}: {why}"
        for measure in MEASURES
        for peer in sitting.titles
        if (why := results.failure(measure, peer)) is not None
    ]
    return "\n".join(["", "Failed:", "", *lines, ""]) if lines else ""


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
            f"{target.peer}/{target.reference} {target.measure.name}": target.verdict(results)
            for target in sitting.targets
        },
    }


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown CPU"


def _cell(results: Results, measure: Measure, peer: str) -> str:
    if results.failure(measure, peer) is not None:
        return "*failed*"
    spread = results.spread(measure, peer)
    return spread.text(measure.digits) if spread else "–"
