import os
from pathlib import Path

from authproxy.system.traced import tracer_of


def status(folder: Path, text: str) -> Path:
    (folder / "7").mkdir()
    (folder / "7" / "status").write_text(text)
    return folder


def test_who_traces_a_process_is_read_of_its_status(tmp_path: Path) -> None:
    assert 41 == tracer_of(7, status(tmp_path, "Name:\tpython\nTracerPid:\t41\nUid:\t0\n"))


def test_one_that_is_not_traced_or_not_there_has_no_tracer(tmp_path: Path) -> None:
    assert 0 == tracer_of(8, tmp_path)
    assert 0 == tracer_of(7, status(tmp_path, "Name:\tTracerPid: 5\nTracerPid:\t0\n"))


def test_a_status_that_does_not_say_it_is_none(tmp_path: Path) -> None:
    assert 0 == tracer_of(7, status(tmp_path, "Name:\tpython\n"))
    assert os.getpid() != tracer_of(os.getpid())
