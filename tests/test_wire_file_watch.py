import asyncio
import logging
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from authproxy.errors import ConfigError
from authproxy.policy.access import AccessList
from authproxy.tasks import Tasks
from authproxy.wire import file_watch
from authproxy.wire.file_watch import FileWatch
from authproxy.wire.lists import ListSources
from tests.support.talking import until

ONE, TWO = ip_address("10.1.0.1"), ip_address("10.2.0.1")


@pytest.fixture(autouse=True)
def all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "authproxy.wire.file_watch")


class Kept:
    """A watch of one pair of files, and the list that counts."""

    def __init__(self, folder: Path) -> None:
        self.allow, self.deny = folder / "allow.txt", folder / "deny.txt"
        self.watch = FileWatch()
        self.changes = 0

    def start(self) -> None:
        sources = ListSources(
            deny=(ip_network("10.2.0.0/16"),), allow_files=(self.allow,), deny_files=(self.deny,)
        )
        self.access = self.watch.add(sources, self.changed)

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
    assert "<FileWatch [1 watched]>" == repr(kept.watch)


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
        f"the new list in {kept.allow} and {kept.deny} is used from now on:"
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
    expected = (
        f"the new list in {kept.allow} and {kept.deny} is not used, and the old one stays:"
        f" {kept.allow}:1: allow_file: this {advice}"
        f' | {kept.deny}:1: deny_file: "10.1.0.0/99" {advice}'
    )
    assert [expected] == caplog.messages

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
    assert "<FileWatch [0 watched]>" == repr(kept.watch)


async def test_without_files_there_is_nothing_to_look_at() -> None:
    watch = FileWatch()
    access = watch.add(ListSources(allow=(ip_network("10.1.0.0/16"),)), lambda _: None)

    assert access.find_refusal(ONE) is None
    async with asyncio.timeout(10):
        await watch.keep_fresh()


async def test_files_are_looked_at_again_and_again_whatever_fails(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: AccessList) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(file_watch, "LOOK_EVERY_S", 0.001)
    broken = kept.allow.with_name("broken.txt")
    broken.touch()
    watch = FileWatch()
    watch.add(ListSources(deny_files=(broken,)), fail)
    watch.add(ListSources(allow_files=(kept.allow,)), kept.changed)
    tasks = Tasks()
    tasks.spawn(watch.keep_fresh(), name="lists")
    replace(broken, "10.0.0.0/8")
    await until(lambda: "a look at the files of the configuration failed" in caplog.text)
    replace(kept.allow, "10.2.0.0/16")
    await until(lambda: kept.changes == 1)
    await tasks.cancel()

    assert kept.access.find_refusal(TWO) is None
