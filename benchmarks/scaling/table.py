"""What simulations found, as the tables of docs/scaling.md. Pure."""

from collections.abc import Sequence

from benchmarks.report import markdown_table
from benchmarks.scaling.fleet import Outcome

HEADS = (
    "replicas",
    "services of each",
    "quota a minute",
    "all start within",
    "every token is there after",
    "refused at the start",
    "most calls in a minute later",
    "of the quota",
    "refused later",
    "tokens that lapsed",
)
START_MINUTES = 30
"""What comes after so many minutes is "later"."""
STREAMS = 100
"""Calls that an HTTP/2 connection to Cloud Run carries at once."""


def table(outcomes: Sequence[Outcome]) -> str:
    return markdown_table(list(HEADS), [row(outcome) for outcome in outcomes])


def row(outcome: Outcome) -> list[str]:
    plan, quota = outcome.plan, outcome.quota
    later = max((n for at, n in quota.granted.items() if at >= START_MINUTES), default=0)
    early = sum(n for at, n in quota.refused.items() if at < START_MINUTES)
    wanted = plan.replicas * plan.services
    served = f"{outcome.all_served_s:,.1f} s" if outcome.served == wanted else "never"
    return [
        f"{plan.replicas:,}",
        f"{plan.services:,}",
        f"{plan.per_minute:,}",
        f"{plan.start_s:g} s",
        served,
        f"{early:,}",
        f"{later:,}",
        f"{later / plan.per_minute:.1%}",
        f"{sum(quota.refused.values()) - early:,}",
        f"{outcome.lapses:,}",
    ]


def connections(replicas: Sequence[int], in_flight: Sequence[int], most: int) -> str:
    """Connections that one service has to hold, by HTTP/1 and by HTTP/2; arithmetic. `most`: what a
    replica opens at most."""
    heads = ["replicas", *(f"{each} requests at once in each" for each in in_flight)]
    rows = [
        [
            f"{count:,}",
            *(f"{count * min(n, most):,} / {count * -(-n // STREAMS):,}" for n in in_flight),
        ]
        for count in replicas
    ]
    return markdown_table(heads, rows)
