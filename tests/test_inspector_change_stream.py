import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from authproxy.inspector.change_stream import (
    MOST_BYTES,
    MOST_ROWS,
    QUIET_TURNS,
    events,
    position_of,
)
from authproxy.inspector.views.filters import Filter
from tests.support.recorded import Story


async def take(stream: AsyncIterator[bytes]) -> tuple[str, str, Any]:
    lines = (await anext(stream)).decode().split("\n")
    if lines[0].startswith(":"):
        return "comment", "", None
    return lines[0][7:], lines[1][4:], json.loads(lines[2][6:])


def begin(story: Story, position: int | None = None, wanted: Filter | None = None) -> Any:
    return events(story.recording.store, "run", wanted or Filter(), position, pause_s=0)


async def test_changes_come_as_rows_and_say_where_to_go_on() -> None:
    story = Story()
    stream = begin(story)
    hello = await take(stream)
    story.begin(target=b"/a")

    name, event_id, data = await take(stream)

    assert ("hello", "run-0") == hello[:2]
    assert ("changes", "run-0") == (name, event_id)
    assert [("/a", True)] == [(row["target"], row["live"]) for row in data["exchanges"]]


async def test_reader_that_comes_back_hears_what_it_missed_once() -> None:
    story = Story()
    story.tell(target=b"/before")
    seen = story.recording.store.changes
    story.tell(target=b"/missed")
    stream = begin(story, seen)
    await take(stream)

    _, _, data = await take(stream)

    assert ["/missed"] == [row["target"] for row in data["exchanges"]]


@pytest.mark.parametrize("position", [-1, 10**6])
async def test_reader_from_another_run_reads_everything_anew(position: int) -> None:
    story = Story()
    story.tell()
    stream = begin(story, position)
    await take(stream)

    assert "reset" == (await take(stream))[0]


async def test_too_many_changes_at_once_are_not_told_one_by_one() -> None:
    story = Story()
    stream = begin(story)
    await take(stream)
    for _ in range(MOST_ROWS + 1):
        story.tell()

    assert "reset" == (await take(stream))[0]


async def test_rows_that_are_too_long_together_are_not_told_one_by_one() -> None:
    story = Story()
    stream = begin(story)
    await take(stream)
    for number in range(MOST_BYTES // 60_000 + 1):
        story.tell(target=b"/%d" % number + b"a" * 60_000)

    assert "reset" == (await take(stream))[0]


async def test_only_what_fits_the_filter_is_told() -> None:
    story = Story()
    stream = begin(story, wanted=Filter(text="wanted"))
    await take(stream)
    story.tell(target=b"/wanted")
    story.tell(target=b"/other")

    _, _, data = await take(stream)

    assert ["/wanted"] == [row["target"] for row in data["exchanges"]]


async def test_pause_and_clearing_are_told() -> None:
    story = Story()
    story.tell()
    stream = begin(story)
    await take(stream)
    story.recording.store.pause()
    paused = await take(stream)
    story.recording.store.clear()

    cleared = await take(stream)

    assert ("changes", True) == (paused[0], paused[2]["paused"])
    assert ("reset", 0) == (cleared[0], cleared[2]["kept"])


async def test_silence_is_told_from_death() -> None:
    stream = begin(Story())
    await take(stream)

    assert "comment" == (await take(stream))[0]
    assert QUIET_TURNS > 10


@pytest.mark.parametrize(
    ("event_id", "expected"),
    [
        ("run-7", 7),
        ("other-7", None),
        ("run-", None),
        ("run-x", None),
        ("", None),
        ("run--1", None),
    ],
)
def test_id_of_an_event_says_where_to_go_on(event_id: str, expected: int | None) -> None:
    assert expected == position_of(event_id, "run")
