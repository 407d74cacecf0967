"""Tells programs of the same user on this machine where the admin listener is, and a key to it.

`authproxy status` finds it so without being told. A folder that others could have put there, or can
look into, is left alone.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from authproxy.exchange import Secret
from authproxy.system.offers import open_flags, user_id

MAX_BYTES = 4096
_SUFFIX = ".admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminFile:
    """Address and key of a running authproxy's admin listener."""

    url: str
    """As in the ready line, without a key: a URL, or `unix:PATH`."""
    key: Secret


def find_folder(environ: Mapping[str, str]) -> Path:
    """The same for who writes and who reads. Where users have no numbers nobody has such a folder:
    its mode would say nothing."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        return Path(runtime) / "authproxy"
    name = f"authproxy-{'own' if (uid := user_id()) is None else uid}"
    return Path(environ.get("TMPDIR") or "/tmp") / name  # noqa: S108 -- checked


def write(found: AdminFile, environ: Mapping[str, str]) -> Path | None:
    """The file, to be removed at the end; None where there is no good place for one."""
    folder = find_folder(environ)
    path = folder / f"{os.getpid()}{_SUFFIX}"
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not _is_ours(folder):
            return None
        for old in folder.glob(f"*{_SUFFIX}"):
            if old == path or not _is_running(old.stem):
                old.unlink(missing_ok=True)
        _write_new(path, f"{found.url}\n{found.key.reveal()}\n".encode())
    except OSError:
        return None
    return path


def read_all(environ: Mapping[str, str]) -> list[AdminFile]:
    """Of all that run."""
    folder = find_folder(environ)
    try:
        return list(_read_each(folder)) if _is_ours(folder) else []
    except OSError:
        return []


def read_own(environ: Mapping[str, str]) -> AdminFile | None:
    """Of this process; None where it has written none."""
    folder = find_folder(environ)
    try:
        if not _is_ours(folder):
            return None
        url, key, *_ = _read(folder / f"{os.getpid()}{_SUFFIX}").splitlines()
    except (OSError, ValueError):
        return None
    return AdminFile(url=url, key=Secret(key))


def _read_each(folder: Path) -> Iterator[AdminFile]:
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        if _is_running(path.stem):
            with contextlib.suppress(OSError, ValueError):
                url, key, *_ = _read(path).splitlines()
                yield AdminFile(url=url, key=Secret(key))


def _write_new(path: Path, content: bytes) -> None:
    """A file that nobody else has had a hand in."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | open_flags("O_NOFOLLOW")
    file = os.open(path, flags, 0o600)
    try:
        os.write(file, content)
    finally:
        os.close(file)


def _read(path: Path) -> str:
    file = os.open(path, os.O_RDONLY | open_flags("O_NOFOLLOW", "O_NONBLOCK"))
    try:
        return os.read(file, MAX_BYTES).decode()
    finally:
        os.close(file)


def _is_ours(folder: Path) -> bool:
    found = folder.lstat()
    is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return is_private and found.st_uid == user_id()


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except OSError:
        return True
    return True
