"""What the image is made of; scripts/image builds it, runs it and looks into it (.ci/run)."""

import json
import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return runpy.run_path(str(ROOT / "scripts/image_root.py"))


def test_a_file_is_taken_with_the_links_that_lead_to_it(
    script: dict[str, Any], tmp_path: Path
) -> None:
    base, root = tmp_path / "base", tmp_path / "root"
    (base / "usr/lib").mkdir(parents=True)
    (base / "usr/lib/libx.so.1.2").write_text("x")
    (base / "usr/lib/libx.so.1").symlink_to("libx.so.1.2")
    (base / "lib").symlink_to("usr/lib")

    script["carry"](base / "lib/libx.so.1", root)

    there = root / base.relative_to("/")
    assert "x" == (there / "usr/lib/libx.so.1").read_text()
    assert ("usr/lib", "libx.so.1.2") == tuple(
        str((there / name).readlink()) for name in ("lib", "usr/lib/libx.so.1")
    )


def test_modes_and_times_are_the_same_whoever_makes_it(
    script: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (tmp_path / "tmp").mkdir(mode=0o700)
    for name, mode in (("program", 0o700), ("data", 0o640)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("data")

    script["make_alike"](tmp_path)

    found = {path.name: path.lstat() for path in tmp_path.iterdir()}
    assert {1_700_000_000.0} == {each.st_mtime for each in found.values()}
    modes = {name: each.st_mode & 0o7777 for name, each in found.items() if name != "link"}
    assert {"tmp": 0o1777, "program": 0o755, "data": 0o644} == modes


def test_what_is_installed_is_listed_with_its_version(script: dict[str, Any]) -> None:
    libraries = Path(os.__file__).parent  # no distribution of its own
    debian = [("libc6", "2.36-9+deb12u9")]
    listed = json.loads(script["list_of_contents"](libraries, debian))
    python = ".".join(map(str, sys.version_info[:3]))

    assert ("CycloneDX", "1.6") == (listed["bomFormat"], listed["specVersion"])
    purls = {each["purl"] for each in listed["components"]}
    assert purls >= {f"pkg:generic/python@{python}", "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9"}


def test_packages_of_debian_are_found_by_their_files(script: dict[str, Any]) -> None:
    shell = Path(os.path.realpath("/bin/sh"))
    [(name, version)] = script["packages_of"]([shell, Path("/proc/nowhere/libx.so")])

    assert shell.name == name
    assert re.match(r"\d", version)


def test_the_image_needs_no_shell_and_names_no_platform() -> None:
    """Not the last stage; `--platform` would fix what whoever builds should choose."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]

    assert last.startswith("scratch\n")
    assert "\nRUN " not in last
    for word in ("ENTRYPOINT", "CMD"):
        assert re.search(rf"{word} \[\"/", last), word
    assert not re.search(r"amd64|x86_64|arm64|aarch64|--platform", DOCKERFILE)
