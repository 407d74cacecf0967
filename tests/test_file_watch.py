import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from authproxy.config.files.reading import Mark, mark
from authproxy.errors import ConfigError
from authproxy.file_watch import LOOK_EVERY_S, FileWatch, marks
from authproxy.policy.access.networks import AccessList
from authproxy.runtime.access_lists import ListSources, NetworkFile
from authproxy.tasks import Tasks
from tests.support.clock import FakeClock
from tests.support.talking import until

ONE, TWO = ip_address("10.1.0.1"), ip_address("10.2.0.1")


@pytest.fixture(autouse=True)
def all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "authproxy.file_watch")


class Kept:
    """A watch of one pair of files, and the list that counts."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.allow, self.deny = folder / "allow.txt", folder / "deny.txt"
        self.watch = FileWatch(**options)
        self.changes = 0

    def start(self) -> None:
        sources = ListSources(
            deny=(ip_network("10.2.0.0/16"),), allow_files=(self.allow,), deny_files=(self.deny,)
        )
        self.access = self.watch.add_each(sources.parts, sources.combine, self.changed)

    def changed(self, access: AccessList) -> None:
        self.access = access
        self.changes += 1

    async def settle(self) -> None:
        for _ in range(3):
            await self.watch.look()

    @property
    def passing(self) -> list[str]:
        asked = ("10.1.0.1", "10.2.0.1", "10.3.0.1", "192.0.2.7")
        return [text for text in asked if self.access.find_refusal(ip_address(text)) is None]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    kept = Kept(tmp_path)
    kept.allow.write_text("10.0.0.0/8\n")
    kept.deny.write_text("")
    kept.start()
    return kept


async def test_a_list_is_what_is_written_down_and_what_is_in_the_files(kept: Kept) -> None:
    assert ["10.1.0.1", "10.3.0.1"] == kept.passing
    assert "<FileWatch [2 watched, 0 waiting]>" == repr(kept.watch)


def rewrite(file: Path, text: str) -> None:
    file.write_text(text)


def replace(file: Path, text: str) -> None:
    other = file.with_name("new")
    other.write_text(text)
    other.rename(file)


@pytest.mark.parametrize("change", [rewrite, replace])
async def test_a_change_counts_once_it_has_settled(
    kept: Kept, change: Callable[[Path, str], None], caplog: pytest.LogCaptureFixture
) -> None:
    await kept.settle()
    change(kept.deny, "10.1.0.0/16\n")
    await kept.watch.look()
    assert ["10.1.0.1", "10.3.0.1"] == kept.passing
    await kept.watch.look()
    assert ["10.3.0.1"] == kept.passing
    await kept.settle()

    assert 1 == kept.changes
    expected = (
        f"the new list in {kept.deny} is now in use:"
        " <AccessList [allow: 10.0.0.0/8 | deny: 10.2.0.0/16, 10.1.0.0/16]>"
    )
    assert [expected] == caplog.messages


async def test_a_file_that_is_still_being_written_is_left_alone(kept: Kept) -> None:
    for length in range(1, 6):
        kept.deny.write_text("10.1.0.0/16\n"[:length])
        await kept.watch.look()

    assert 0 == kept.changes


async def test_a_broken_list_is_told_once_and_the_old_one_stays(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.deny.write_text("10.1.0.0/99\n")
    kept.allow.write_text("x\n")
    await kept.settle()
    assert ["10.1.0.1", "10.3.0.1"] == kept.passing

    advice = "is not an address or a CIDR range; write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
    assert sorted(caplog.messages) == [
        f"the new list in {kept.allow} is not used; the old one stays in use:"
        f" {kept.allow}:1: allow_file: this {advice}",
        f"the new list in {kept.deny} is not used; the old one stays in use:"
        f' {kept.deny}:1: deny_file: "10.1.0.0/99" {advice};'
        " the number behind the slash is 32 at most",
    ]

    kept.deny.write_text("10.3.0.0/16\n")
    kept.allow.write_text("0.0.0.0/0\n")
    await kept.settle()
    assert ["10.1.0.1", "192.0.2.7"] == kept.passing


async def test_a_file_that_goes_does_not_take_its_list_with_it(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.deny.unlink()
    await kept.settle()
    assert 0 == kept.changes
    assert f'deny_file: there is no file "{kept.deny}"' in caplog.text

    kept.deny.write_text("10.1.0.0/16\n")
    await kept.settle()
    assert ["10.3.0.1"] == kept.passing


async def test_a_folder_that_kubernetes_puts_in_place_of_another_is_noticed(
    tmp_path: Path,
) -> None:
    """The file is a link into `..data`, itself a link, and that one is turned."""

    def publish(version: str, deny: str) -> None:
        (tmp_path / version).mkdir()
        (tmp_path / version / "deny.txt").write_text(deny)
        (tmp_path / version / "allow.txt").write_text("10.0.0.0/8")
        (tmp_path / "..data_tmp").symlink_to(version)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("..1", "10.1.0.0/16")
    for name in ("allow.txt", "deny.txt"):
        (tmp_path / name).symlink_to(Path("..data", name))
    kept = Kept(tmp_path)
    kept.start()
    await kept.settle()
    assert ["10.3.0.1"] == kept.passing

    publish("..2", "10.3.0.0/16")
    await kept.settle()
    assert ["10.1.0.1"] == kept.passing


def test_at_the_start_the_problems_of_both_files_are_raised(tmp_path: Path) -> None:
    kept = Kept(tmp_path)

    with pytest.raises(ConfigError) as caught:
        kept.start()
    assert str(caught.value) == (
        f'{kept.allow}: allow_file: there is no file "{kept.allow}"\n'
        f'{kept.deny}: deny_file: there is no file "{kept.deny}"'
    )
    assert "<FileWatch [0 watched, 0 waiting]>" == repr(kept.watch)


async def test_without_files_there_is_nothing_to_look_at() -> None:
    clock = FakeClock()
    watch = FileWatch(clock.call_later)
    sources = ListSources(allow=(ip_network("10.1.0.0/16"),))
    access = watch.add_each(sources.parts, sources.combine, lambda _: None)
    watch.start()

    assert access.find_refusal(ONE) is None
    assert [] == clock.pending


async def test_files_are_looked_at_again_and_again_whatever_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a defect")

    clock = FakeClock()
    kept = Kept(tmp_path, call_later=clock.call_later)
    kept.allow.write_text("10.0.0.0/8\n")
    kept.deny.write_text("")
    broken = NetworkFile(file=tmp_path / "broken.txt", key="deny_file")
    broken.file.touch()
    kept.watch.add(broken, fail)
    kept.start()
    kept.watch.start()
    kept.watch.start()
    replace(broken.file, "10.0.0.0/8")
    await passes(clock, lambda: f"{broken.file} could not be used" in caplog.text)
    replace(kept.allow, "10.2.0.0/16")
    await passes(clock, lambda: kept.changes == 1)
    assert kept.access.find_refusal(ONE) is not None
    await kept.watch.close()

    assert [] == clock.pending


async def passes(clock: FakeClock, condition: Callable[[], bool]) -> None:
    """Let time pass until it holds."""

    def is_so() -> bool:
        clock.advance(LOOK_EVERY_S)
        return condition()

    await until(is_so)


# Files that hang: each by itself.


class Slow:
    """Looks at files, but at those in `hung` only once it is let go."""

    def __init__(self) -> None:
        self.hung: set[Path] = set()
        self.released = threading.Event()

    def __call__(self, file: Path) -> Mark | None:
        if file in self.hung:
            self.released.wait(20)
        return mark(file)


async def test_a_file_that_hangs_keeps_no_other_from_being_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    slow = Slow()
    kept = Kept(tmp_path, deadline_s=0.3, look_at=slow)
    kept.allow.write_text("10.0.0.0/8\n")
    kept.deny.write_text("")
    kept.start()
    slow.hung.add(kept.allow)
    kept.deny.write_text("10.1.0.0/16\n")
    await kept.settle()
    assert ["10.3.0.1"] == kept.passing
    kept.deny.write_text("10.3.0.0/16\n")
    await kept.settle()
    assert ["10.1.0.1"] == kept.passing
    hangs = f"{kept.allow} cannot be read, as on a network drive that is gone: what was read"
    assert 1 == sum(message.startswith(hangs) for message in caplog.messages)

    slow.hung.clear()
    slow.released.set()
    kept.allow.write_text("0.0.0.0/0\n")
    await until_async(kept.watch.look, lambda: "192.0.2.7" in kept.passing)
    assert f"{kept.allow} can be read again" in caplog.messages
    await kept.watch.close()


async def until_async(step: Callable[[], Awaitable[None]], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await step()


async def test_a_file_that_cannot_be_read_to_its_end_keeps_no_other_from_being_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipe in place of a list: whoever opens it waits for somebody who writes."""
    kept = Kept(tmp_path, deadline_s=0.3)
    kept.allow.write_text("10.0.0.0/8\n")
    kept.deny.write_text("")
    kept.start()
    kept.allow.unlink()
    os.mkfifo(kept.allow)
    await kept.settle()
    assert [
        f"the new list in {kept.allow} is taking long to read: what was read before stays in use"
    ] == caplog.messages
    kept.deny.write_text("10.1.0.0/16\n")
    await kept.settle()
    assert ["10.3.0.1"] == kept.passing

    await asyncio.to_thread(kept.allow.write_text, "0.0.0.0/0\n")
    await until(lambda: "192.0.2.7" in kept.passing)
    assert ["10.3.0.1", "192.0.2.7"] == kept.passing
    await kept.watch.close()


async def test_a_part_that_comes_late_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    """What both make is made in threads, and the first may be the last to end."""
    first, second = threading.Event(), threading.Event()
    made: list[list[str]] = []

    class One:
        what = "word"

        def __init__(self, name: str) -> None:
            self.files = (tmp_path / name,)
            self.files[0].write_text("old")

        def read(self) -> str:
            return self.files[0].read_text()

    def combine(parts: Sequence[str]) -> list[str]:
        if list(parts) == ["new", "old"]:
            first.set()
            second.wait(20)
        return list(parts)

    tasks = Tasks()
    watch = FileWatch(deadline_s=0.3, tasks=tasks)
    watch.add_each([One("a"), One("b")], combine, made.append)
    (tmp_path / "a").write_text("new")
    for _ in range(2):
        await watch.look()
    assert first.is_set()
    (tmp_path / "b").write_text("new")
    for _ in range(2):
        await watch.look()
    assert [["new", "new"]] == made
    second.set()
    await until(lambda: len(tasks) == 0)

    assert [["new", "new"]] == made


# Those who wait for a change, as sources of tokens do.


class Looking:
    """A watch, with the clock that moves it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.tasks = Tasks()
        self.watch = FileWatch(self.clock.call_later, tasks=self.tasks)
        self.heard: list[str] = []

    def wait(self, who: str, *files: Path) -> None:
        self.watch.wait(who, files, marks(files), lambda: self.heard.append(who))

    async def look(self) -> list[str]:
        """What was heard after the next look."""
        self.clock.advance(LOOK_EVERY_S)
        await until(lambda: len(self.tasks) == 0)
        return self.heard


@pytest.fixture
def looking() -> Looking:
    return Looking()


def appear(path: Path) -> None:
    path.write_text("key")


def vanish(path: Path) -> None:
    path.unlink()


def change(path: Path) -> None:
    path.write_text("other")


def swap(path: Path) -> None:
    """With one that looks the same by size and time, as a mounted secret may."""
    seen = path.stat()
    other = path.with_name("other")
    other.write_text("key")
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize(
    ("there", "act"), [(False, appear), (True, vanish), (True, change), (True, swap)]
)
async def test_every_kind_of_change_is_heard_once(
    looking: Looking, tmp_path: Path, there: bool, act: Callable[[Path], None]
) -> None:
    path = tmp_path / "key.json"
    if there:
        appear(path)
    looking.wait("me", path)
    assert [] == await looking.look()
    act(path)
    assert ["me"] == await looking.look()
    if path.exists():
        change(path)

    assert ["me"] == await looking.look()


async def test_all_who_wait_for_a_file_hear_of_it_and_nobody_else(
    looking: Looking, tmp_path: Path
) -> None:
    for who in ("one", "two"):
        looking.wait(who, tmp_path / "a", tmp_path / "b")
    looking.wait("three", tmp_path / "c")
    assert "<FileWatch [0 watched, 3 waiting]>" == repr(looking.watch)
    appear(tmp_path / "b")

    assert ["one", "two"] == await looking.look()


async def test_who_no_longer_waits_hears_nothing_and_then_nobody_looks(
    looking: Looking, tmp_path: Path
) -> None:
    looking.wait("me", tmp_path / "a")
    looking.watch.forget("me")
    appear(tmp_path / "a")
    assert ([], []) == (await looking.look(), looking.clock.pending)
    looking.wait("you", tmp_path / "b")
    appear(tmp_path / "b")

    assert ["you"] == await looking.look()


async def test_without_files_or_after_the_end_nobody_looks(
    looking: Looking, tmp_path: Path
) -> None:
    looking.wait("me")
    assert [] == looking.clock.pending
    looking.wait("me", tmp_path / "a")
    await looking.watch.close()

    assert [] == looking.clock.pending


def test_a_path_that_cannot_be_one_is_no_file() -> None:
    assert (None,) == marks([Path("\x00")])


async def test_one_who_fails_takes_nothing_from_the_others(
    looking: Looking, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise RuntimeError("x")

    looking.watch.wait("broken", (tmp_path / "a",), marks([tmp_path / "a"]), break_down)
    looking.wait("me", tmp_path / "a")
    appear(tmp_path / "a")

    assert ["me"] == await looking.look()
    assert [f"a change of {tmp_path / 'a'} could not be used"] == caplog.messages


async def test_files_that_somebody_else_reads_are_told_of_when_they_have_settled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the link of a Kubernetes ConfigMap: the file's own link stays as it is."""
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "file").write_text(version)
    (tmp_path / "..data").symlink_to(tmp_path / "1")
    (tmp_path / "file").symlink_to(Path("..data") / "file")
    file, told = tmp_path / "file", list[str]()
    watch = FileWatch()
    watch.watch((file,), marks((file,)), lambda: told.append(file.read_text()))
    await watch.look()
    (tmp_path / "new").symlink_to(tmp_path / "2")
    (tmp_path / "new").rename(tmp_path / "..data")
    await watch.look()
    assert [] == told
    for _ in range(3):
        await watch.look()
    await watch.close()

    assert ["2"] == told
    assert "" == caplog.text
