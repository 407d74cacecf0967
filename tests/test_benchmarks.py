from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import compare, fields, footprint, http2
from benchmarks.crowd import parse_status
from benchmarks.files import filled
from benchmarks.interpreter import description, not_compiled
from benchmarks.measure import STEADY, UPLOADS, Counted, Load, RoundError, check, parse_counted
from benchmarks.peers.job import Job
from benchmarks.processes import BenchmarkError, Stat, parse_kib, parse_stat, tree
from benchmarks.reload import Seen
from benchmarks.report import Sitting, as_json, markdown_table, numbers, page, ratios, targets
from benchmarks.results import (
    AWAKE,
    CONNECTIONS,
    GROWTH,
    MEASURES,
    P50,
    SMALL,
    START,
    TABLES,
    Results,
    Spread,
)
from benchmarks.service import Role, Service
from benchmarks.targets import AsFlat, Below, Flat, Multiple
from benchmarks.turns import Case, rotated

TARGET = Multiple(measure=SMALL, peer="ours", reference="theirs", at_most=0.7)
SITTING = Sitting(
    date="2026-01-31",
    plan="quick",
    cores=2,
    cpu="Some CPU",
    titles={"ours": "Ours", "theirs": "Theirs"},
    versions={"Ours": "ours 1.0"},
    missing={},
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

    assert Stat(pid=4242, parent=17) == parse_stat(line)


def test_a_tree_is_the_process_and_all_that_descend_from_it() -> None:
    stats = [Stat(1, 0), Stat(5, 4), Stat(3, 1), Stat(4, 3), Stat(9, 1)]

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
    assert "| Ours | *failed* | – |" in numbers(SITTING, results, TABLES[0])
    assert "- Ours, small request: of 9 requests failed: 1 × read" in page(SITTING, results)


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

    assert "| Ours | 0.50 | – |" in table
    assert "| Theirs | 1.00 | – |" in table


def test_tables_are_written_as_markdown() -> None:
    assert "| a | b |\n| --- | --- |\n| 1 | 2 |" == markdown_table(["a", "b"], [["1", "2"]])


def test_the_page_says_when_and_on_what_it_was_measured() -> None:
    text = page(SITTING, small([10.0], [20.0]))

    assert "Measured on 2026-01-31, quick run, 2 cores, Some CPU." in text
    assert "- Ours: ours 1.0" in text
    assert "*failed*" not in text.partition("## How")[0]


H2LOAD = """\
finished in 1.00s, {done}.00 req/s, 1.05MB/s
requests: {total} total, {total} started, {total} done, {done} succeeded, \
{failed} failed, 0 errored, 0 timeout
status codes: {good} 2xx, 0 3xx, {bad} 4xx, 0 5xx
traffic: 1.05MB (1100000) total, 32.10KB (32872) headers (space savings 96.15%), \
263KB ({size}) data
"""


def h2load(*, done: int = 10, failed: int = 0, bad: int = 0, size: int = 270) -> str:
    total, good = done + failed, done - bad
    return H2LOAD.format(total=total, done=done, failed=failed, good=good, bad=bad, size=size)


def test_what_h2load_counted_is_found_among_what_it_prints() -> None:
    found = http2.parse_calls(f"starting benchmark...\n\n{h2load(done=9, bad=2, failed=1)}")

    assert http2.Calls(succeeded=9, failed=1, good=7, body_bytes=270) == found
    assert http2.parse_calls("[ERROR] Could not resolve host") is None


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (h2load(done=0, size=0), "no call was answered"),
        (h2load(failed=3), "3 calls failed, 10 did not"),
        (h2load(bad=4), "4 answers of 10 were not 2xx"),
        (h2load(size=269), "10 answers were cut: 269 bytes in all"),
    ],
    ids=["nothing", "failures", "an error status", "short answers"],
)
def test_http2_calls_with_a_bad_answer_do_not_count(output: str, expected: str) -> None:
    calls = http2.parse_calls(output)
    assert calls is not None

    with pytest.raises(RoundError) as caught:
        http2.check(calls)

    assert expected == str(caught.value)


def test_wrk_is_told_only_what_a_load_asks_for() -> None:
    assert [] == Load(path="/", connections=1).arguments
    assert ["upload=1048576"] == UPLOADS.arguments
    assert ["think=32"] == STEADY.arguments


def curve(**costs: list[float]) -> Results:
    results = Results()
    for peer, row in costs.items():
        for measure, cost in zip(AWAKE, row, strict=True):
            results.add(measure, peer, cost)
    return results


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([32.0, 30.0, 31.0, 36.0], "1.200 times, at most 1.250 wanted: met"),
        ([32.0, 20.0, 31.0, 36.0], "1.800 times, at most 1.250 wanted: NOT met"),
    ],
    ids=["flat", "not flat"],
)
def test_a_curve_is_flat_when_its_ends_are_near(costs: list[float], expected: str) -> None:
    flat = Flat(measures=AWAKE, peer="ours", at_most=1.25)

    assert expected == flat.verdict(curve(ours=costs))


def test_a_curve_with_a_hole_is_not_judged() -> None:
    holed = curve(ours=[30.0] * 4)
    holed.fail(AWAKE[1], "ours", "no request was answered")

    assert "not measured" == Flat(measures=AWAKE, peer="ours", at_most=1.25).verdict(holed)
    assert "not measured" == AsFlat(measures=AWAKE, peer="ours", reference="theirs").verdict(holed)


def test_a_curve_may_be_held_against_another() -> None:
    results = curve(ours=[30.0, 30.0, 30.0, 45.0], theirs=[50.0, 60.0, 70.0, 80.0])
    told = Flat(measures=AWAKE, peer="ours", at_most=1.25, others=("theirs", "absent"))
    beside = AsFlat(measures=AWAKE, peer="ours", reference="theirs")

    expected = "1.500 times (theirs 1.600), at most 1.250 wanted: NOT met"
    assert expected == told.verdict(results)
    assert "1.500 times, at most 1.600 wanted: met" == beside.verdict(results)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ([340.0, 349.0], "344 (342–347) ms, less than 350 wanted: met"),
        ([350.0], "350 ms, less than 350 wanted: NOT met"),
        ([], "not measured"),
    ],
    ids=["met", "missed", "absent"],
)
def test_a_limit_is_judged_by_the_median(start: list[float], expected: str) -> None:
    results = Results()
    for number in start:
        results.add(START, "ours", number)

    assert expected == Below(measure=START, peer="ours", limit=350).verdict(results)


def test_what_the_service_itself_takes_is_taken_off_every_number() -> None:
    results = Results()
    results.add(P50, "ours", 80.0)
    results.add(P50, "ours", 90.0)
    results.add(P50, "theirs", 110.0)

    results.less(P50, 30.0)

    assert {"ours": [50.0, 60.0], "theirs": [80.0]} == results.numbers[P50.name]


def test_a_peer_that_cannot_be_installed_is_shown_as_missing() -> None:
    sitting = replace(SITTING, missing={"theirs": "theirs is not installed"})
    text = page(sitting, small([10.0], []))

    assert "| Theirs | *missing* | *missing* |" in text
    assert "- Theirs is missing: theirs is not installed" in text
    assert {"theirs": "theirs is not installed"} == as_json(sitting, Results())["missing"]


def test_targets_of_peers_that_were_left_out_are_not_shown() -> None:
    for left in ({"theirs": "Theirs"}, {"ours": "Ours"}):
        assert "" == targets(replace(SITTING, titles=left), small([14.0], [20.0]))


def test_measures_have_names_of_their_own() -> None:
    assert len(MEASURES) == len({measure.name for measure in MEASURES})


def test_each_case_is_once_the_first_of_a_round() -> None:
    cases = [Case(peer=name, measures=(), once=tuple) for name in "abc"]

    firsts = [[case.peer for case in rotated(cases, number)] for number in range(3)]

    assert [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]] == firsts
    assert [] == rotated([], 3)


def test_a_template_is_filled_in_wherever_a_name_stands(tmp_path: Path) -> None:
    template = tmp_path / "some.conf"
    template.write_text("listen @PORT@; # @PORT@ of @HOST@\n")
    (tmp_path / "own").mkdir()

    written = filled(template, tmp_path / "own", {"PORT": "80", "HOST": "x"})

    assert tmp_path / "own" / "some.conf" == written
    assert "listen 80; # 80 of x\n" == written.read_text()


def test_an_interpreter_says_how_it_was_built() -> None:
    facts = {"python": "3.11.2", "openssl": "OpenSSL 3.0", "pgo": True, "lto": False}

    assert (
        "Python 3.11.2 configured with --enable-optimizations, without --with-lto; OpenSSL 3.0;"
        " 143 ns for a method call that makes an object"
    ) == description({**facts, "call_ns": 142.9})


def test_a_hot_module_that_does_not_come_from_an_extension_is_named() -> None:
    loaded = "a.b /x/a/b.cpython-313-x86_64-linux-gnu.so\na.c /x/a/c.py\n"

    assert ["a.c /x/a/c.py"] == list(not_compiled(loaded))


def test_builds_are_compared_round_by_round_with_the_first() -> None:
    laps = [[[10.0, 11.0], [20.0, 22.0]], [[10.0, 10.0], [10.0, 11.0]]]

    title, first, second = compare.report(compare.KINDS["small"], ["one", "two"], laps)

    assert "small request, 32 connections: 2 laps of 2 rounds" == title
    assert first.split()[0] == "1.000"
    assert second.split()[0] == "1.100"
    assert "laps 1.100, 1.050" in second


def test_a_build_is_a_folder_or_a_commit(tmp_path: Path) -> None:
    service = Service(ports={Role.HTTP1: 443}, folder=tmp_path, token="", pid=0)

    with compare.build(str(tmp_path)) as peer:
        command = peer.command(Job(port=8080, service=service, folder=tmp_path))

    assert f"PYTHONPATH={tmp_path}" in command
    assert "127.0.0.1:8080" in command
    with compare.build(f"{tmp_path} --admin off") as peer:
        assert ["--admin", "off"] == list(
            peer.command(Job(port=1, service=service, folder=tmp_path))
        )[-2:]
    with pytest.raises(BenchmarkError, match="neither a folder nor a commit"):
        compare.build("no-such-build").__enter__()


def test_footprints_are_compared_lap_by_lap_with_the_first() -> None:
    def found(resident: float) -> footprint.Found:
        return footprint.Found(resident, resident + 40, 0.5)

    title, first, second = footprint.report(
        "idle", ["one", "two"], [[found(50), found(40)], [found(60), found(45)]]
    )

    assert "idle: 2 laps" == title
    assert "1.000 (1.000-1.000)" in first
    assert "0.775 (0.750-0.800)" in second
    assert "42.5 MiB, at most  82.5, first answer after 0.50 s, 1.000 (1.000-1.000)  two" in second


def test_what_nginx_counted_is_found_among_its_status() -> None:
    status = (
        "Active connections: 3 \nserver accepts handled requests\n 16 15 3214 \n"
        "Reading: 0 Writing: 1 Waiting: 2 \n"
    )

    assert 3214 == parse_status(status)


def test_growth_is_what_a_build_costs_beside_itself() -> None:
    few, many = [[[10.0, 20.0], [10.0, 20.0]]], [[[15.0, 60.0], [17.0, 60.0]]]

    title, first, second = compare.growth(["one", "two"], few, many)

    assert "1,000 connections beside 32, each build's own" == title
    assert "1.600" == first.split()[0]
    assert "16.0 : 10.0 us  one" in first
    assert "3.000" == second.split()[0]


def test_a_measure_beside_another_is_noted_round_by_round() -> None:
    results = Results()
    few, many = CONNECTIONS[32], CONNECTIONS[1000]
    for measure, of_rounds in ((few, (10, 20)), (many, (15, 40))):
        for number in of_rounds:
            results.add(measure, "ours", number)
    results.add(few, "theirs", 10)
    for peer in ("ours", "theirs"):
        results.beside(GROWTH, peer, many, few)

    assert {"ours": [1.5, 2.0]} == results.numbers["growth"]
    assert "1,000 connected or 32 connected failed" == results.failure(GROWTH, "theirs")


def test_another_proxy_may_stand_beside_builds() -> None:
    with compare.build("nginx") as peer:
        assert "nginx" == peer.name


def test_the_longest_answer_of_a_reload_is_one_that_was_under_way_then() -> None:
    seen = Seen(answers=[(0.0, 0.5), (0.9, 0.25), (2.0, 0.1), (3.0, 9.0)], own=[(1.5, 0.125)])

    assert (250.0, 125.0) == seen.longest_ms(1.0, 2.5)


async def test_requests_in_memory_go_to_the_service_and_back() -> None:
    client, service = await fields.connect([])

    assert fields.once(client, service, lambda number: number) > 0
    assert service.heard.endswith(fields.ANSWER)
