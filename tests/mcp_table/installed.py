"""Puts the SDKs into a folder: virtual environments, and node_modules."""

import asyncio
import shutil
import sys
from pathlib import Path

from tests.mcp_table.kinds import CLIENTS, NODE, VENVS, Place

DONE = "installed.txt"


async def install(folder: Path) -> Place:
    """Everything that is not there yet. Raises RuntimeError, with what the installer said."""
    wanted = "\n".join([*(" ".join(each) for each in VENVS.values()), *NODE])
    done = folder / DONE
    if not done.exists() or done.read_text() != wanted:
        venvs = (_make_venv(folder / name, packages) for name, packages in VENVS.items())
        await asyncio.gather(*venvs, _install_node(folder / "node"))
        done.write_text(wanted)
    for script in CLIENTS.glob("*.mjs"):  # a module finds packages from where it is
        shutil.copy(script, folder / "node" / script.name)
    return Place(folder)


async def _make_venv(folder: Path, packages: list[str]) -> None:
    await _run(sys.executable, "-m", "venv", str(folder))
    quiet = ("--quiet", "--disable-pip-version-check")
    await _run(str(folder / "bin" / "python"), "-m", "pip", "install", *quiet, *packages)


async def _install_node(folder: Path) -> None:
    _begin_package(folder)
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    await _run("npm", "install", "--prefix", str(folder), *quiet, *NODE)


def _begin_package(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{out.decode()}")
