"""Modules that are loaded when something of them is used."""

import importlib
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from authproxy.system import when_used

NAME = "loaded_by_a_test_of_when_used"
SOURCE = """\
import time
from pathlib import Path
with Path(__file__).with_name("loads").open("a") as file:
    file.write("x")
time.sleep(0.05)
value = object()
"""


@pytest.fixture
def put_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module NAME, not loaded yet."""
    (tmp_path / f"{NAME}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, NAME, sys)  # to be restored
    monkeypatch.delitem(sys.modules, NAME)
    when_used.put_off(NAME)
    return importlib.import_module(NAME)


@pytest.fixture
def loads(tmp_path: Path) -> Path:
    """Has a letter for each time that NAME was loaded."""
    path = tmp_path / "loads"
    path.touch()
    return path


def test_to_import_it_does_not_load_it(put_off: ModuleType, loads: Path) -> None:
    import loaded_by_a_test_of_when_used  # type: ignore[import-not-found]  # -- made by the test

    assert put_off is loaded_by_a_test_of_when_used is sys.modules[NAME]
    assert "" == loads.read_text()


def test_who_has_imported_it_before_and_who_does_later_use_the_same(
    put_off: ModuleType, loads: Path
) -> None:
    value = put_off.value
    loaded = importlib.import_module(NAME)

    assert put_off is not loaded
    assert (value, "x") == (loaded.value, loads.read_text())
    assert value is put_off.value


def test_a_name_out_of_it_loads_it(put_off: ModuleType) -> None:
    from loaded_by_a_test_of_when_used import value

    assert put_off.value is value
    with pytest.raises(AttributeError):
        _ = put_off.nothing


def test_threads_that_use_it_at_once_load_it_once(put_off: ModuleType, loads: Path) -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(put_off.value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [put_off.value] * 8 == found
    assert "x" == loads.read_text()


def test_what_is_loaded_stays() -> None:
    when_used.put_off("sys", "threading")

    assert (sys, threading) == (sys.modules["sys"], sys.modules["threading"])
