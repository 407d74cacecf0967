"""What `authproxy --version` says of the build."""

import importlib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from authproxy import __version__
from authproxy.cli.version import HOT_MODULE, built_as, describe

ROOT = Path(__file__).parent.parent


def test_a_module_in_an_extension_is_compiled_and_one_in_a_source_file_is_pure() -> None:
    assert "compiled" == built_as("pydantic_core._pydantic_core")
    assert "pure" == built_as("authproxy.cli.version")
    assert "pure" == built_as("authproxy.not_there")


def test_what_is_said_is_what_is_loaded() -> None:
    loaded = importlib.import_module(HOT_MODULE).__file__
    assert loaded is not None
    is_compiled = loaded.endswith(tuple(EXTENSION_SUFFIXES))

    assert f"{__version__} ({'compiled' if is_compiled else 'pure'})" == describe()


def test_the_module_that_is_asked_is_one_of_those_that_are_compiled() -> None:
    listed = (ROOT / "compiled_modules.txt").read_text().split()

    assert f"{HOT_MODULE.replace('.', '/')}.py" in listed
