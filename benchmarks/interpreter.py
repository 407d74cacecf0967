"""The Python that authproxy and the plain aiohttp proxy run on, and how fast it is by itself."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from benchmarks.processes import BenchmarkError
from benchmarks.tools import CACHE, ran

ROOT = Path(__file__).parents[1]
QUESTION = """
import json, platform, ssl, sys, sysconfig, timeit
from importlib.metadata import version
from authproxy.cli.version import built_as

class Point:
    def __init__(self, x): self.x = x
    def moved(self, by): return Point(self.x + by)

def work():
    point, seen = Point(0), {}
    for number in range(10000):
        point = point.moved(1)
        seen[number] = point.x

configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
print(json.dumps({
    "python": platform.python_version(),
    "openssl": ssl.OPENSSL_VERSION.rsplit(" ", 3)[0],
    "pgo": "--enable-optimizations" in configured,
    "lto": "--with-lto" in configured,
    "call_ns": min(timeit.repeat(work, number=10, repeat=15)) / 10 / 10000 * 1e9,
    "built": built_as(),
    "versions": {name: version(name) for name in sys.argv[1:]},
}))
"""
WHENCE = """
import sys
from importlib import import_module

for name in sys.argv[1:]:
    print(name, import_module(name).__file__)
"""
PACKAGES = ("authproxy", "aiofastnet", "hpack", "aiohttp")


@dataclass(frozen=True)
class Interpreter:
    """A Python in which authproxy is installed."""

    python: Path

    def script(self, name: str) -> str:
        """Raises BenchmarkError when that command is not installed beside the interpreter."""
        script = self.python.with_name(name)
        if not script.exists():
            raise BenchmarkError(f"{name} is not installed beside {self.python}; run: make setup")
        return str(script)

    def versions(self, *names: str) -> str:
        return ", ".join(f"{name} {self._facts['versions'][name]}" for name in names)

    def describe(self) -> str:
        return description(self._facts)

    def built(self) -> str:
        """Whether authproxy is `compiled` or `pure`."""
        return str(self._facts["built"])

    @cached_property
    def _facts(self) -> dict[str, Any]:
        command = [str(self.python), "-P", "-c", QUESTION, *PACKAGES]
        facts: dict[str, Any] = json.loads(ran(command, what=f"ask {self.python} for versions"))
        return facts


def description(facts: dict[str, Any]) -> str:
    """What matters for its speed: how it was configured, and a number to compare it by.

    Debian removes the flags of profile-guided optimisation from what its Python says of itself.
    """
    flags = (("--enable-optimizations", facts["pgo"]), ("--with-lto", facts["lto"]))
    built = ", ".join(f"{'with' if used else 'without'} {flag}" for flag, used in flags)
    python = f"Python {facts['python']} configured {built}; {facts['openssl']}"
    return f"{python}; {facts['call_ns']:.0f} ns for a method call that makes an object"


def chosen(python: Path | None) -> Interpreter:
    """This interpreter, or another with authproxy as it is here in a venv made for it."""
    if python is None:
        return Interpreter(Path(sys.executable))
    name = hashlib.sha256(str(python.absolute()).encode()).hexdigest()[:12]
    folder = CACHE / f"python-{name}"
    inside = folder / "bin" / "python"
    if not inside.exists():
        _make_venv(python, folder)
    ran([*_pip(inside), "--editable", f"{ROOT}[otel]"], what=f"install authproxy for {python}")
    return Interpreter(inside)


def compiled(on: Interpreter) -> Interpreter:
    """`on` with authproxy as it is here and its hot path compiled, in a venv made for it.

    Raises BenchmarkError when it cannot be built, or a module does not come from an extension.
    """
    name = hashlib.sha256(f"{on.python} {_sources()}".encode()).hexdigest()[:12]
    folder = CACHE / f"compiled-{name}"
    inside = folder / "bin" / "python"
    if not inside.exists():
        for old in CACHE.glob("compiled-*"):
            shutil.rmtree(old)
        _make_venv(on.python, folder)
        print("compiling authproxy, which takes a minute", file=sys.stderr)
        try:
            ran(
                [*_pip(inside), f"{ROOT}[otel]"],
                what="compile authproxy",
                env={"AUTHPROXY_COMPILE": "1"},
            )
        except BaseException:
            shutil.rmtree(folder)
            raise
    names = [path.removesuffix(".py").replace("/", ".") for path in _listed()]
    loaded = ran([str(inside), "-P", "-c", WHENCE, *names], what="load what is compiled")
    if pure := list(not_compiled(loaded)):
        raise BenchmarkError(f"these should be compiled, and are not: {', '.join(pure)}")
    return Interpreter(inside)


def not_compiled(loaded: str) -> Iterator[str]:
    """Of lines with a module and the file that it comes from: those that are no extension."""
    for line in loaded.splitlines():
        if not line.endswith((".so", ".pyd")):
            yield line


def _listed() -> list[str]:
    return (ROOT / "compiled_modules.txt").read_text().split()


def _sources() -> str:
    """What a build depends on, as one number."""
    build = [ROOT / name for name in ("pyproject.toml", "hatch_build.py", "compiled_modules.txt")]
    content = hashlib.sha256()
    for path in [*build, ROOT / "constraints.txt", *sorted((ROOT / "authproxy").rglob("*.py"))]:
        content.update(path.read_bytes())
    return content.hexdigest()


def _make_venv(python: Path, folder: Path) -> None:
    print(f"making a venv for {python} in {folder.relative_to(ROOT)}", file=sys.stderr)
    ran([str(python), "-m", "venv", "--without-pip", str(folder)], what="make a venv")


def _pip(inside: Path) -> list[str]:
    """What installs into the venv of that Python, with our pins."""
    constraints = str(ROOT / "constraints.txt")
    pip = [sys.executable, "-m", "pip", "--python", str(inside), "install", "-q"]
    return [*pip, "-c", constraints, "--build-constraint", constraints]


@cache
def of_the_system() -> Interpreter:
    """The Python that the operating system brings, which may be built otherwise than this one.

    Raises BenchmarkError when it brings none.
    """
    python = shutil.which("python3", path="/usr/bin")
    if python is None:
        raise BenchmarkError("the system has no Python of its own in /usr/bin")
    return chosen(Path(python))
