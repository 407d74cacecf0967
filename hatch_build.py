"""Compiles the hot path when AUTHPROXY_COMPILE=1 says so; else the wheel is pure.

`compiled_modules.txt` lists what is compiled. A wheel has the extensions inside, an editable
install gets them beside the sources.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILER = ["mypy", "setuptools"]
LIBRARY = "authproxy"
"""All modules are one library, so that they call each other directly; this begins its name."""

ONLY_FOR_EACH_OTHER = ["-fvisibility=hidden"] if os.name == "posix" else []
"""Without it each function of a module could be replaced from outside the library: calls of it
take a detour, and the names of some 3,000 are in memory. Python's own entry stays visible."""


class CompilingHook(BuildHookInterface):
    """What hatchling asks when it builds a wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """The compiler, and the libraries whose types it must know."""
        return [*COMPILER, *self.metadata.core.dependencies] if is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not is_wanted():
            return
        work = Path(tempfile.mkdtemp(prefix="authproxy-build-"))
        built = work / "built"
        compile_into(built, work / "temporary")
        for path in sorted(built.rglob("*.*")):
            name = str(path.relative_to(built))
            if version == "editable":
                shutil.copy(path, Path(self.root, name))
            else:
                build_data["force_include"][str(path)] = name
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        self._work = work

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if is_wanted():
            shutil.rmtree(self._work)


def is_wanted() -> bool:
    return os.environ.get("AUTHPROXY_COMPILE") == "1"


def compile_into(built: Path, temporary: Path) -> None:
    """Compile what is listed. The project's folder is the current one, as it is in every build."""
    # Not above: a pure build has neither.
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    modules = Path("compiled_modules.txt").read_text().split()
    extensions = mypycify(
        ["--config-file", "pyproject.toml", "--follow-imports", "silent", *modules],
        opt_level="2",
        debug_level="0",
        group_name=LIBRARY,
        target_dir=str(temporary),
    )
    for extension in extensions:
        extension.extra_compile_args += ONLY_FOR_EACH_OTHER
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib, command.build_temp = str(built), str(temporary)
    command.ensure_finalized()
    command.run()
