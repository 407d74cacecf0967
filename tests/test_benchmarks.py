import pytest

from benchmarks.measure import Counted, Load, RoundError, check, parse_counted
from benchmarks.processes import Stat, parse_kib, parse_stat, tree
from benchmarks.report import Sitting, markdown_table, numbers, page, ratios, targets
from benchmarks.results import SMALL, Results, Spread, Target

TARGET = Target(measure=SMALL, peer="ours", reference="theirs", at_most=0.7)
SITTING = Sitting(
    date="2026-01-31",
    plan="quick",
    cores=2,
    cpu="Some CPU",
    titles={"ours": "Ours", "theirs": "Theirs"},
    versions={"Ours": "ours 1.0"},
    reference="theirs",
    targets=(TARGET,),
)


def small(ours: list[float], theirs: list[float]) -> Results:
    results = Results()
    for peer, rounds in (("ours", ours), ("theirs", theirs)):
        for number in rounds:
            results.add(SMALL, peer, number)
    return results


def counted(*, requests: int = 10, size: int = 270, status: int = 0) -> Counted:
    errors = {"connect": 0, "read": 0, "write": 0, "timeout": 0, "status": status}
    return Counted(requests=requests, bytes=size, duration_us=1, p50_us=1, p99_us=2, errors=errors)


def test_a_command_name_may_hold_spaces_and_parentheses() -> None:
    rest = " ".join(str(number) for number in range(5, 53))
    line = f"4242 (a) b (c) S 17 {rest}"

    assert Stat(pid=4242, parent=17, ticks=14 + 15) == parse_stat(line)


def test_a_tree_is_the_process_and_all_that_descend_from_it() -> None:
    stats = [Stat(1, 0, 9), Stat(5, 4, 2), Stat(3, 1, 1), Stat(4, 3, 3), Stat(9, 1, 7)]

    assert {3, 4, 5} == {stat.pid for stat in tree(3, stats)}


def test_memory_is_read_by_name() -> None:
    status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n"

    assert (1024, 2048, 0) == tuple(
        parse_kib(status, name) for name in ("VmRSS", "VmHWM", "VmSwap")
    )


def test_what_wrk_counted_is_found_among_what_it_prints() -> None:
    line = (
        'counted {"requests": 7, "bytes": 99, "duration_us": 5, "p50_us": 1, "p99_us": 2,'
        ' "errors": {"status": 3}}'
    )

    found = parse_counted(f"Running 1s test\n  1 threads\n{line}\n")

    assert found is not None
    assert (7, 99, {"status": 3}) == (found.requests, found.bytes, found.errors)
    assert parse_counted("unable to connect") is None


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (counted(status=3), "of 10 requests failed: 3 × status"),
        (counted(requests=0, size=0), "no request was answered"),
        (counted(size=269), "10 answers were cut: 269 bytes in all"),
    ],
    ids=["an error status", "nothing", "short answers"],
)
def test_a_round_with_a_bad_answer_does_not_count(answers: Counted, expected: str) -> None:
    with pytest.raises(RoundError) as caught:
        check(answers, Load(path="/", connections=1, least_bytes=27))

    assert expected == str(caught.value)


def test_a_good_round_passes_the_check() -> None:
    check(counted(), Load(path="/", connections=1, least_bytes=27))


def test_ratios_compare_numbers_of_the_same_round() -> None:
    results = small([10.0, 30.0, 20.0], [20.0, 50.0, 50.0])

    assert Spread(0.5, 0.45, 0.55) == results.ratio(SMALL, "ours", "theirs")


def test_a_peer_that_failed_one_round_has_no_number_and_no_ratio() -> None:
    results = small([10.0], [20.0, 20.0])
    results.fail(SMALL, "ours", "of 9 requests failed: 1 × read")

    assert results.spread(SMALL, "ours") is None
    assert results.ratio(SMALL, "ours", "theirs") is None
    assert "| Ours | *failed* |" in numbers(SITTING, results)
    assert "- Ours, CPU per small request: of 9 requests failed: 1 × read" in page(SITTING, results)


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ([14.0], "0.700 times, at most 0.700 wanted: met"),
        ([14.02], "0.701 times, at most 0.700 wanted: NOT met"),
        ([], "not measured"),
    ],
    ids=["met", "missed", "absent"],
)
def test_a_target_is_judged_honestly(ours: list[float], expected: str) -> None:
    assert expected == TARGET.verdict(small(ours, [20.0]))
    assert expected in targets(SITTING, small(ours, [20.0]))


def test_the_range_of_the_middle_half_is_shown_when_there_is_one() -> None:
    assert "19.5 (19.0–20.0)" == Spread.of([10.0, 19.0, 19.5, 20.0, 90.0]).text(1)
    assert "7" == Spread.of([7.1, 6.9]).text(0)
    assert "3" == Spread.of([3.0]).text(0)


def test_a_cell_that_was_not_measured_is_a_dash() -> None:
    table = ratios(SITTING, small([10.0], [20.0]))

    assert "| Ours | 0.50 | – | – |" in table
    assert "| Theirs | 1.00 | – | – |" in table


def test_tables_are_written_as_markdown() -> None:
    assert "| a | b |\n| --- | --- |\n| 1 | 2 |" == markdown_table(["a", "b"], [["1", "2"]])


def test_the_page_says_when_and_on_what_it_was_measured() -> None:
    text = page(SITTING, small([10.0], [20.0]))

    assert "Measured on 2026-01-31, quick run, 2 cores, Some CPU." in text
    assert "- Ours: ours 1.0" in text
    assert "*failed*" not in text.partition("## How")[0]
