import os
from collections.abc import Callable
from pathlib import Path

import pytest

from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.token_cache.source_files import EVERY_S, Watch, marks
from authproxy.tasks import Tasks
from tests.support.clock import FakeClock
from tests.support.source import until


class OnPaths:
    """A source that only has files."""

    name = "files"

    def __init__(self, *paths: Path) -> None:
        self.paths = paths

    def mint(self, _audience: str, /) -> Token:
        return NO_TOKEN


class Looking:
    """A watch, with the clock that moves it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.tasks = Tasks()
        self.watch = Watch(self.tasks, self.clock.call_later)
        self.heard: list[str] = []

    def wait(self, who: str, source: OnPaths) -> None:
        self.watch.wait(who, source, marks(source), lambda: self.heard.append(who))

    async def look(self) -> list[str]:
        """What was heard after the next look."""
        self.clock.advance(EVERY_S)
        await until(lambda: len(self.tasks) == 0)
        return self.heard


@pytest.fixture
def looking() -> Looking:
    return Looking()


def appear(path: Path) -> None:
    path.write_text("key")


def vanish(path: Path) -> None:
    path.unlink()


def rewrite(path: Path) -> None:
    path.write_text("other")


def replace(path: Path) -> None:
    """With one that looks the same by size and time, as a mounted secret may."""
    seen = path.stat()
    other = path.with_name("other")
    other.write_text("key")
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize(
    ("there", "change"), [(False, appear), (True, vanish), (True, rewrite), (True, replace)]
)
async def test_every_kind_of_change_is_heard_once(
    looking: Looking, tmp_path: Path, there: bool, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "key.json"
    if there:
        appear(path)
    looking.wait("me", OnPaths(path))
    assert [] == await looking.look()
    change(path)
    assert ["me"] == await looking.look()
    if path.exists():
        rewrite(path)

    assert ["me"] == await looking.look()


async def test_all_who_wait_for_a_file_hear_of_it_and_nobody_else(
    looking: Looking, tmp_path: Path
) -> None:
    shared, other = OnPaths(tmp_path / "a", tmp_path / "b"), OnPaths(tmp_path / "c")
    looking.wait("one", shared)
    looking.wait("two", shared)
    looking.wait("three", other)
    appear(tmp_path / "b")

    assert ["one", "two"] == await looking.look()


async def test_who_no_longer_waits_hears_nothing_and_then_nobody_looks(
    looking: Looking, tmp_path: Path
) -> None:
    looking.wait("me", OnPaths(tmp_path / "a"))
    looking.watch.forget("me")
    appear(tmp_path / "a")

    assert ([], []) == (await looking.look(), looking.clock.pending)


async def test_who_comes_later_is_heard_too(looking: Looking, tmp_path: Path) -> None:
    looking.wait("me", OnPaths(tmp_path / "a"))
    looking.watch.forget("me")
    await looking.look()
    looking.wait("you", OnPaths(tmp_path / "b"))
    appear(tmp_path / "b")

    assert ["you"] == await looking.look()


async def test_a_source_without_files_is_not_looked_at(looking: Looking) -> None:
    looking.wait("me", OnPaths())

    assert [] == looking.clock.pending


async def test_after_the_end_nobody_looks(looking: Looking, tmp_path: Path) -> None:
    looking.watch.close()
    looking.wait("me", OnPaths(tmp_path / "a"))
    looking.watch.close()

    assert [] == looking.clock.pending


def test_a_path_that_cannot_be_one_is_no_file() -> None:
    assert (None,) == marks(OnPaths(Path("\x00")))


async def test_one_look_that_fails_is_not_the_last(
    looking: Looking, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise RuntimeError("x")

    source, path = OnPaths(tmp_path / "a"), tmp_path / "b"
    looking.watch.wait("broken", source, marks(source), break_down)
    looking.wait("me", OnPaths(path))
    appear(tmp_path / "a")
    await looking.look()
    appear(path)

    assert ["me"] == await looking.look()
    assert ["look at credential files failed"] == caplog.messages
