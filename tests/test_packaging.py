"""What is installed: the wheel's contents, the console script, the pinned versions."""

import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from authproxy import __version__
from authproxy.cli.version import describe

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = (ROOT / "constraints.txt").read_text().splitlines()
DATA = f"authproxy-{__version__}.data"
DIST_INFO = f"authproxy-{__version__}.dist-info"
CONSOLE_SCRIPT = Path(sysconfig.get_path("scripts"), "authproxy")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    builder = WheelBuilder(str(ROOT))
    [path] = builder.build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}

    assert {"authproxy", DIST_INFO, DATA} == top
    page = wheel.read(f"{DATA}/data/share/man/man1/authproxy.1")
    assert (ROOT / "man" / "authproxy.1").read_bytes() == page


def test_the_wheel_holds_every_module_and_the_typing_marker(wheel: zipfile.ZipFile) -> None:
    source = [path.relative_to(ROOT) for path in (ROOT / "authproxy").rglob("*.py")]
    wanted = {"authproxy/py.typed", *map(str, source)}

    assert set() == wanted - set(wheel.namelist())


def test_the_wheel_holds_the_page_of_the_inspector(wheel: zipfile.ZipFile) -> None:
    page = [path for path in (ROOT / "authproxy/inspector/page").iterdir() if path.is_file()]

    assert page
    for path in page:
        assert path.read_bytes() == wheel.read(str(path.relative_to(ROOT)))


def test_a_wheel_is_pure_and_needs_no_compiler_unless_it_is_asked_for(
    wheel: zipfile.ZipFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = WheelBuilder(str(ROOT))
    assert [] == builder.config.dependencies
    assert "Tag: py3-none-any\n" in wheel.read(f"{DIST_INFO}/WHEEL").decode()
    monkeypatch.setenv("AUTHPROXY_COMPILE", "1")
    asked = {Requirement(line) for line in WheelBuilder(str(ROOT)).config.dependencies}
    needed = {Requirement(line) for line in PROJECT["project"]["dependencies"]}

    assert {Requirement("mypy"), Requirement("setuptools"), *needed} == asked


def test_the_source_archive_holds_what_compiling_needs(tmp_path: Path) -> None:
    [path] = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert set() == {"hatch_build.py", "compiled_modules.txt", "pyproject.toml"} - names


def test_the_wheel_carries_the_licence(wheel: zipfile.ZipFile) -> None:
    licence = wheel.read(f"{DIST_INFO}/licenses/LICENSE")

    assert (ROOT / "LICENSE").read_bytes() == licence


@pytest.mark.parametrize(
    "command", [[CONSOLE_SCRIPT], [sys.executable, "-m", "authproxy"]], ids=["script", "-m"]
)
def test_authproxy_starts_by_its_name_and_as_a_module(
    command: list[str | Path], tmp_path: Path
) -> None:
    done = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert (0, f"authproxy {describe()}\n", "") == (done.returncode, done.stdout, done.stderr)


def test_constraints_are_names_and_versions_only() -> None:
    """No address, no path, no option: a line works against any index."""
    pin = re.compile(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*( ; python_version [<>=]+ '3\.\d+')?")

    assert [] == [line for line in PINS if not pin.fullmatch(line)]


def test_constraints_pin_everything_that_an_install_brings() -> None:
    pinned = {canonicalize_name(line.split("==")[0]) for line in PINS}

    assert set() == installed_with_the_project() - pinned


def installed_with_the_project() -> set[str]:
    """The project's requirements of every kind, and theirs, for this Python and platform."""
    groups = PROJECT["dependency-groups"]
    waiting = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["build-system"]["requires"],
        *(line for group in groups.values() for line in group if isinstance(line, str)),
    ]
    seen: set[str] = set()
    names: set[str] = set()
    while waiting:
        text = waiting.pop()
        if text not in seen:
            seen.add(text)
            requirement = Requirement(text)
            names.add(canonicalize_name(requirement.name))
            # Not installed by `make setup`. `scripts/release` looks at all that its group brings,
            # `scripts/pin` at that of `audit`, and the others need nothing more.
            if all(text not in groups[each] for each in ("fuzz", "compile", "release", "audit")):
                waiting.extend(needed_by(requirement))
    return names


def needed_by(requirement: Requirement) -> list[str]:
    lines = metadata.requires(requirement.name) or []
    return [
        line
        for line in lines
        if (marker := Requirement(line).marker) is None
        or any(marker.evaluate({"extra": extra}) for extra in requirement.extras or {""})
    ]
