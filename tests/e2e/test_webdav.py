"""A WebDAV server behind IAM, used by rclone through authproxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from authproxy.demo.world import World
from tests.support.behind import Forward, free_port, running
from tests.support.program import Program, clean_environment

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]


@asynccontextmanager
async def serving(folder: Path, *flags: str) -> AsyncIterator[World]:
    """The pretend Cloud Run with a WebDAV server of `folder` as its application."""
    port = free_port()
    command = ("serve", "webdav", str(folder), "--addr", f"127.0.0.1:{port}", *flags)
    async with (
        running(port, *command, program="rclone"),
        World(app=Forward(port).handle) as world,
    ):
        yield world


async def rclone(url: str, *arguments: str) -> None:
    """Run `rclone ARGUMENTS`, in which `dav:` is the server at `url`."""
    remote = f":webdav,url='{url}':"
    process = await asyncio.create_subprocess_exec(
        "rclone",
        *(argument.replace("dav:", remote) for argument in arguments),
        *("--config", "/dev/null", "--retries", "1", "--low-level-retries", "1"),
        env=clean_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def move_and_copy(url: str, folder: Path) -> None:
    """On the server, by MOVE and COPY, files with awkward names and a folder."""
    names = ("plain.txt", "with blank & ümlaut#1.txt")
    for name in names:  # before the server looks: it remembers what a folder holds
        (folder / name).write_text(name)
    for name in names:
        await rclone(url, "moveto", f"dav:{name}", f"dav:moved/{name}")
        await rclone(url, "copyto", f"dav:moved/{name}", f"dav:{name}.copy")
    await rclone(url, "moveto", "dav:moved", "dav:again/moved")
    for name in names:
        assert name == (folder / "again" / "moved" / name).read_text()
        assert name == (folder / f"{name}.copy").read_text()
        assert not (folder / name).exists()


async def test_rclone_moves_and_copies_on_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "dav"
    folder.mkdir()
    async with (
        serving(folder) as world,
        Program(*in_front_of(world), environ=world.environment) as proxy,
    ):
        await move_and_copy(proxy.url, folder)
        await proxy.hear("MOVE /plain.txt 201")
        await proxy.hear("COPY /moved/plain.txt 201")


async def test_and_below_a_path_that_the_server_knows(tmp_path: Path) -> None:
    folder = tmp_path / "dav"
    folder.mkdir()
    async with (
        serving(folder, "--baseurl", "/files") as world,
        Program(*in_front_of(world), environ=world.environment) as proxy,
    ):
        await move_and_copy(f"{proxy.url}/files", folder)


def in_front_of(world: World) -> tuple[str | Path, ...]:
    return (
        world.url,
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "localhost:0"),
    )
