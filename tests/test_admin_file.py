"""How `authproxy status` finds the admin listener of the same user."""

import os
from pathlib import Path

import pytest

from authproxy.admin_file import AdminFile, find_folder, read_all, read_own, write
from authproxy.exchange import Secret

FOUND = AdminFile(url="http://127.0.0.1:4040", key=Secret("a-key"))


def test_who_runs_here_is_found_by_the_same_user_only(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    path = write(FOUND, environ)

    assert path is not None
    assert (0o600, 0o700) == (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777)
    assert [FOUND] == read_all(environ)
    path.unlink()
    assert [] == read_all(environ)


def test_the_folder_is_the_users_own() -> None:
    uid = os.geteuid()

    assert [
        Path("/run/user/7/authproxy"),
        Path(f"/dev/shm/authproxy-{uid}"),
        Path(f"/tmp/authproxy-{uid}"),
    ] == [
        find_folder({"XDG_RUNTIME_DIR": "/run/user/7", "TMPDIR": "/dev/shm"}),
        find_folder({"XDG_RUNTIME_DIR": "relative", "TMPDIR": "/dev/shm"}),
        find_folder({}),
    ]


def make_open(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)


def make_link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def make_file(folder: Path) -> None:
    folder.touch()


@pytest.mark.parametrize("make", [make_open, make_link, make_file])
def test_a_folder_that_others_may_have_a_hand_in_is_left_alone(
    make: object, tmp_path: Path
) -> None:
    assert callable(make)
    make(tmp_path / "authproxy")
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}

    assert None is write(FOUND, environ)
    assert [] == read_all(environ)


def test_without_a_place_there_is_no_file() -> None:
    assert None is write(FOUND, {"XDG_RUNTIME_DIR": "/proc/nowhere"})
    assert [] == read_all({"XDG_RUNTIME_DIR": "/proc/nowhere"})


def test_what_one_that_broke_down_has_left_is_cleared_away(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    path = write(FOUND, environ)
    assert path is not None
    for name in ("4194399.admin", "nonsense.admin", f"{os.getppid()}.admin"):
        (path.parent / name).write_text("one line\n")
    (path.parent / f"{os.getppid()}.admin").unlink()

    assert [FOUND] == read_all(environ)
    assert path == write(FOUND, environ)
    assert [path] == list(path.parent.iterdir())


def test_what_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    path = write(FOUND, environ)
    assert path is not None
    path.write_bytes(b"\xff\n")

    assert [] == read_all(environ)


def test_a_process_finds_what_it_has_written_itself(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    before = read_own(environ)
    path = write(FOUND, environ)
    assert path is not None
    written = read_own(environ)
    path.parent.chmod(0o777)

    assert (None, FOUND, None) == (before, written, read_own(environ))
