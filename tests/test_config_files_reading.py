import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from authproxy.config.files.reading import absolute, is_stream, lasting, mark, read_bytes


def complaint(path: Path, *, at_most: int = 1024) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        read_bytes(path, at_most=at_most)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 1024)

    assert b"x" * 1024 == read_bytes(tmp_path / "f", at_most=1024)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert 'there is no file "f"' == complaint(tmp_path / "f")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()

    assert '"f" is a folder; name the file in it' == complaint(tmp_path / "f")


def test_a_path_through_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "f").touch()

    assert '"x" cannot be read: Not a directory' == complaint(tmp_path / "f" / "x")


def test_a_file_that_is_far_too_large_is_questioned() -> None:
    expected = '"zero" is larger than 1 KiB; is it the right file?'

    assert expected == complaint(Path("/dev/zero"))


@pytest.fixture
def user() -> Iterator[int]:
    """An effective user other than root, whom every file is open to."""
    us = os.geteuid()
    if us == 0:
        os.seteuid(65534)
    yield os.geteuid()
    os.seteuid(us)


def test_a_file_that_may_not_be_read_names_the_user(tmp_path: Path, user: int) -> None:
    file = tmp_path / "f"
    if os.access(tmp_path, os.W_OK, effective_ids=True):
        file.touch(mode=0o000)

    assert f'"f" may not be read by user {user}; change its owner or mode' == complaint(file)


def test_a_file_has_another_mark_when_it_is_another_one(tmp_path: Path) -> None:
    one, two, link = tmp_path / "one", tmp_path / "two", tmp_path / "link"
    for file in (one, two):
        file.write_text("same")
        os.utime(file, ns=(0, 0))
    link.symlink_to(one)
    assert mark(one) == mark(link) != mark(two)

    link.unlink()
    link.symlink_to(two)
    assert mark(two) == mark(link)
    two.unlink()
    assert mark(link) is None


def test_a_pipe_is_a_stream_and_files_folders_and_nothing_are_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    paths = [tmp_path / "pipe", tmp_path / "file", tmp_path, tmp_path / "nothing"]

    assert [True, False, False, False] == [is_stream(path) for path in paths]
    assert tuple(paths[1:]) == lasting(paths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key.json", "/etc/authproxy/key.json"),
        ("/run/key.json", "/run/key.json"),
        ("~/key.json", "/home/me/key.json"),
        ("~", "/home/me"),
        ("a~b", "/etc/authproxy/a~b"),
    ],
)
def test_a_path_is_relative_to_the_files_folder(text: str, expected: str) -> None:
    assert expected == absolute(text, Path("/etc/authproxy"), {"HOME": "/home/me"})


def test_the_home_of_another_user_is_found() -> None:
    assert f"{Path('~root').expanduser()}/x" == absolute("~root/x", Path(), {})


def test_a_home_that_does_not_exist_is_a_problem() -> None:
    with pytest.raises(ValueError, match=r'^"~nobody-is-called-so" has no home folder here; write'):
        absolute("~nobody-is-called-so/x", Path(), {})


def test_a_pipe_that_nobody_writes_to_is_given_up_with_its_name(tmp_path: Path) -> None:
    pipe = tmp_path / "list"
    os.mkfifo(pipe)

    with pytest.raises(ValueError, match=r"nothing could be read within 0\.02 s; is it a pipe"):
        read_bytes(pipe, at_most=9, deadline_s=0.02)
