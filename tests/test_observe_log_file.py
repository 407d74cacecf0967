import errno
import os
from pathlib import Path

import pytest

from authproxy.observe.log_file import LogFile
from authproxy.observe.stream import LogStream
from tests.support.clock import FakeClock


class Stderr:
    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def stderr() -> Stderr:
    return Stderr()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def write(stream: LogStream, line: str) -> None:
    stream.write(f"{line}\n")
    stream.flush()


def test_lines_are_added_to_the_file_and_it_is_for_its_owner(
    tmp_path: Path, stderr: Stderr
) -> None:
    path = tmp_path / "log"
    file = LogFile(path, stderr)
    write(LogStream(file), "one")
    file.close()
    again = LogFile(path, stderr)
    write(LogStream(again), "two")
    again.close()

    assert "one\ntwo\n" == path.read_text()
    assert 0o600 == path.stat().st_mode & 0o777
    assert f"<LogFile {path}>" == repr(again)
    assert [] == stderr.said


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path, stderr: Stderr) -> None:
    path = tmp_path / "log"
    path.touch()
    path.chmod(0o640)
    LogFile(path, stderr).close()

    assert 0o640 == path.stat().st_mode & 0o777


def test_after_it_was_moved_away_a_signal_opens_a_new_one(tmp_path: Path, stderr: Stderr) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    file = LogFile(path, stderr)
    stream = LogStream(file)
    write(stream, "one")
    path.rename(old)
    file.reopen()
    assert path.exists()
    write(stream, "two")
    file.close()

    assert ("one\n", "two\n") == (old.read_text(), path.read_text())


@pytest.mark.parametrize("how", ["moved", "deleted", "replaced", "emptied"])
def test_without_a_signal_it_is_noticed_within_a_second(
    tmp_path: Path, stderr: Stderr, clock: FakeClock, how: str
) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    file = LogFile(path, stderr, now=clock)
    stream = LogStream(file)
    write(stream, "one")
    if how == "emptied":
        os.truncate(path, 0)
    elif how == "deleted":
        path.unlink()
    else:
        path.rename(old)
    if how == "replaced":
        path.touch()
    clock.now += 1.0
    write(stream, "two")
    file.close()

    assert "two\n" == path.read_text()
    assert [] == stderr.said


def test_while_its_directory_is_gone_lines_are_lost_and_it_is_said_once(
    tmp_path: Path, stderr: Stderr, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "log"
    file = LogFile(path, stderr, now=clock)
    stream = LogStream(file)
    for number in range(5):
        if number == 1:
            path.unlink()
            folder.rmdir()
        clock.now += 1.0
        write(stream, f"line {number}")
    file.reopen()
    assert [
        f"cannot write to the log file {path}: No such file or directory; its lines are lost"
        " until this is mended"
    ] == stderr.said
    assert f"<LogFile {path} [broken]>" == repr(file)

    folder.mkdir()
    clock.now += 1.0
    write(stream, "line 5")
    assert "line 5\n" == path.read_text()
    assert [4] == [vars(record)["left_out"] for record in caplog.records]

    path.unlink()
    folder.rmdir()
    clock.now += 1.0
    write(stream, "line 6")
    assert 2 == len(stderr.said)
    file.close()


def test_a_full_disk_does_no_harm_and_is_said_once(stderr: Stderr) -> None:
    file = LogFile(Path("/dev/full"), stderr)
    stream = LogStream(file)
    for number in range(5):
        write(stream, f"line {number}")
    file.close()

    assert [
        "cannot write to the log file /dev/full: No space left on device; its lines are lost"
        " until this is mended"
    ] == stderr.said
    assert " 5 lines left out]" in repr(stream)


def test_a_pipe_that_is_full_is_not_waited_for_and_is_no_fault(
    tmp_path: Path, stderr: Stderr
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = LogFile(path, stderr)
    stream = LogStream(file)
    for _ in range(2000):
        write(stream, "x" * 99)
    assert [] == stderr.said
    assert " 0 lines left out]" in repr(stream)
    file.close()
    os.close(reader)


def test_what_cannot_be_opened_is_an_error_at_the_start(tmp_path: Path, stderr: Stderr) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, number in (
        (tmp_path, errno.EISDIR),
        (tmp_path / "nowhere" / "log", errno.ENOENT),
        (pipe, errno.ENXIO),
    ):
        with pytest.raises(OSError) as caught:  # noqa: PT011 -- its number is asked for
            LogFile(path, stderr)

        assert number == caught.value.errno
