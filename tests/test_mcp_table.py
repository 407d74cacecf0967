"""How the table of MCP clients is kept; `scripts/mcp_table` makes it."""

from tests.mcp_table import expected
from tests.mcp_table.driver import Said
from tests.mcp_table.kinds import ALL_CLIENTS, ALL_SERVERS
from tests.mcp_table.rows import TROUBLES, Played, outcome

ABOUT = "service down | run | mcp 1.30"
TEXT = f"""\
# a comment = of no use
{ABOUT} = dead, next fails -> hint, next works
works | run | mcp 1.30 = works, next works
"""


def test_a_row_says_what_it_is_and_what_it_is_to_become() -> None:
    rows = expected.read(TEXT)

    assert expected.Expected("dead, next fails", "hint, next works") == rows[ABOUT]
    assert expected.Expected("works, next works") == rows["works | run | mcp 1.30"]


def test_what_comes_out_otherwise_is_a_difference_also_where_it_is_better() -> None:
    rows = [(ABOUT, "hint, next works"), ("works | run | mcp 1.30", "hangs"), ("new", "works")]

    assert {
        ABOUT: f"{ABOUT}: hint, next works, not dead, next fails (as wanted: write it down)",
        "works | run | mcp 1.30": "works | run | mcp 1.30: hangs, not works, next works",
        "new": "new: works, and nothing is expected",
    } == expected.differences(rows, expected.read(TEXT))
    assert {} == expected.differences([(ABOUT, "dead, next fails")], expected.read(TEXT))


def test_trouble_that_was_there_before_is_not_taken_for_what_was_played() -> None:
    fails, hint = Said(ok=False, text="reset"), Said(ok=False, text="no identity token")
    works = Said(ok=True, text="hello")
    trouble = next(each for each in TROUBLES if each.name == "our refusal")

    assert "fails before, next works" == outcome(trouble, Played(fails, fails, works))
    assert "hint, next works" == outcome(trouble, Played(works, hint, works))
    assert "no hint, next fails" == outcome(trouble, Played(works, fails, fails))


def test_what_is_wanted_stays_until_it_has_come() -> None:
    before = expected.read(TEXT)

    still = expected.read(expected.write([(ABOUT, "hangs")], before))
    come = expected.read(expected.write([(ABOUT, "hint, next works")], before))
    assert ("hangs", "hint, next works") == (still[ABOUT].outcome, still[ABOUT].wanted)
    assert ("hint, next works", "") == (come[ABOUT].outcome, come[ABOUT].wanted)


def test_the_file_has_a_row_for_all_that_is_asked() -> None:
    ways = {"http": "run", "stdio": "mcp"}
    asked = {
        f"{trouble.name} | {ways[way]} | {client.name}"
        for trouble in TROUBLES
        for client in ALL_CLIENTS
        for way in client.transports
    }
    asked |= {
        f"server {server.name} by {transport}, restart | {way} | mcp 2.3"
        for server in ALL_SERVERS
        for transport in server.transports
        for way in ("run", "mcp")
    }

    assert asked == set(expected.read(expected.FILE.read_text()))


def test_through_the_bridge_every_client_is_helped_whatever_happens() -> None:
    rows = expected.read(expected.FILE.read_text())
    by_bridge = {about: row for about, row in rows.items() if about.split(" | ")[1] == "mcp"}

    assert {"works, next works", "hint, next works"} == {row.outcome for row in by_bridge.values()}
