import asyncio
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.auth_world import BOT, auth_world
from tests.support.program import clean_environment

ROOT = Path(__file__).parent.parent
PLUGIN = "authproxy.embedding.pytest_plugin"

USES = """
import urllib.request

def test_one(authproxy_serve):
    url = authproxy_serve({url!r}, credentials={credentials!r}, ca_file={ca!r})
    assert {bot!r} in urllib.request.urlopen(url + "/whoami").read().decode()
    urls = authproxy_serve({{"a": {url!r}}}, credentials="none", ca_file={ca!r})
    assert ["a"] == list(urls)

def test_none_is_left(authproxy_serve):
    import threading
    assert "authproxy" not in [each.name for each in threading.enumerate()]
"""
IGNORES = """
import sys

def test_nothing_heavy_was_imported_for_it():
    found = {"asyncio", "aiohttp", "pydantic", "google.auth", "authproxy.embedding.serving"}
    assert set() == found & set(sys.modules)
"""


def run(folder: Path, text: str, *arguments: str) -> tuple[int, str]:
    """pytest in a project of somebody else's."""
    (folder / "test_them.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(folder)],
        env=clean_environment({"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=50,
    )
    return done.returncode, done.stdout + done.stderr


async def test_the_fixture_starts_proxies_and_ends_them(tmp_path: Path) -> None:
    async with auth_world() as there:
        text = USES.format(
            url=there.url,
            credentials=there.credentials,
            ca=str(there.world.ca_file),
            bot=BOT,
        )
        code, said = await asyncio.to_thread(run, tmp_path, text, "-p", PLUGIN, "-W", "error")

    assert (0, True) == (code, "2 passed" in said), said


def test_who_does_not_use_it_pays_nothing(tmp_path: Path) -> None:
    code, said = run(tmp_path, IGNORES, "-p", PLUGIN)

    assert 0 == code, said


def test_it_can_be_switched_off_by_its_name(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (name,) = project["entry-points"]["pytest11"]
    code, said = run(tmp_path, "def test_it(authproxy_serve): pass", "-p", f"no:{name}")

    assert PLUGIN == project["entry-points"]["pytest11"][name]
    assert "fixture 'authproxy_serve' not found" in said
    assert 1 == code


def test_its_own_fixture_is_documented(pytestconfig: pytest.Config) -> None:
    from authproxy.embedding import pytest_plugin

    assert "authproxy.serve" in (pytest_plugin.authproxy_serve.__doc__ or "")
