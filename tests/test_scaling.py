"""The simulation of docs/scaling.md, with fleets that are small."""

from pathlib import Path

import pytest

from authproxy.identity.token_cache.lifetime import CROWD_LAST_S
from benchmarks.scaling.__main__ import PLANS, put
from benchmarks.scaling.fleet import Plan, simulate
from benchmarks.scaling.google import Quota
from benchmarks.scaling.table import HEADS, connections, table

PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"


def test_a_fleet_within_its_quota_waits_for_nothing_and_renews_once_an_hour() -> None:
    plan = Plan(replicas=20, services=2, per_minute=60, hours=3)
    found = simulate(plan)

    assert (40, 0, 0) == (found.served, found.lapses, sum(found.quota.refused.values()))
    assert found.all_served_s < 2
    # At the start, and every 55 minutes after that.
    assert 4 * 40 == found.mints


def test_more_than_the_quota_wait_for_the_next_minute_and_seldom_ask_until_then() -> None:
    found = simulate(Plan(replicas=30, services=2, per_minute=40, hours=0.5))

    assert 60 == found.served
    assert 60 < found.all_served_s < 60 + CROWD_LAST_S + 3
    assert 20 <= sum(found.quota.refused.values()) < 20 * 15


def test_nobody_is_refused_who_starts_over_minutes() -> None:
    found = simulate(Plan(replicas=30, services=2, per_minute=40, start_s=300, hours=0.5))

    assert (60, 0) == (found.served, sum(found.quota.refused.values()))


def test_renewals_that_the_quota_refuses_come_again_before_a_token_ends() -> None:
    found = simulate(Plan(replicas=30, services=2, per_minute=20, hours=3))

    assert found.lapses == 0
    later = [minute for minute in found.quota.refused if minute > 30]
    assert later, "some were refused, or it proves nothing"


def test_a_quota_too_small_for_all_lets_tokens_lapse() -> None:
    found = simulate(Plan(replicas=40, services=2, per_minute=1, hours=4))

    assert found.lapses > 0


def test_a_simulation_is_the_same_each_time() -> None:
    plan = Plan(replicas=5, services=2, per_minute=6, hours=2)

    assert table([simulate(plan)]) == table([simulate(plan)])
    assert table([simulate(plan)]) != table([simulate(plan, seed=2)])


def test_a_quota_counts_by_the_minute_and_only_what_it_grants() -> None:
    quota = Quota(2)

    assert [True, True, False, True] == [quota.take(now) for now in (0.0, 59.9, 59.95, 60.0)]


def test_connections_are_those_of_all_replicas() -> None:
    assert "| 10 | 200 / 10 | 10,000 / 150 |" in connections([10], [20, 1500], 1000)


def test_the_page_has_the_table_of_these_plans() -> None:
    """Or else: python -m benchmarks.scaling --write"""
    page = PAGE.read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and " s | " in line]

    assert f"| {' | '.join(HEADS)} |" in page
    assert [
        [f"{plan.replicas:,}", f"{plan.services:,}", f"{plan.per_minute:,}", f"{plan.start_s:g} s"]
        for plan in PLANS
    ] == [row.strip("| ").split(" | ")[:4] for row in rows]


@pytest.mark.parametrize("replicas", ["1", "10", "100"])
def test_small_fleets_of_the_page_are_as_it_says(replicas: str) -> None:
    page = PAGE.read_text()

    for plan in PLANS:
        if f"{plan.replicas:,}" == replicas:
            [line] = table([simulate(plan)]).splitlines()[2:]
            assert line in page


def test_tables_are_put_between_their_marks() -> None:
    page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n"

    assert put(page, "x", "new") == "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb\n"
