"""Files that a configuration names: their paths, and why one cannot be read, as a sentence."""

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from authproxy.system.offers import this_user
from authproxy.threads import DEADLINE_S, within
from authproxy.values import quoted

Mark = tuple[int, int, int, int]


def read_bytes(path: Path, *, at_most: int, deadline_s: float = DEADLINE_S) -> bytes:
    """Raises ValueError with a sentence for the user, also for a file that never ends."""
    shown = show_path(path)
    try:
        content = within(
            lambda: _read(path, at_most + 1), f"the file {shown}", deadline_s=deadline_s
        )
    except TimeoutError:
        raise ValueError(f"{shown} cannot be read: {_HANGS.format(deadline_s)}") from None
    except FileNotFoundError:
        raise ValueError(f"there is no file {shown}") from None
    except IsADirectoryError:
        raise ValueError(f"{shown} is a folder; name the file in it") from None
    except PermissionError:
        raise ValueError(
            f"{shown} may not be read by {this_user()}; change its owner or mode"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is not a path"
        raise ValueError(f"{shown} cannot be read: {reason}") from None
    if len(content) > at_most:
        raise ValueError(f"{shown} is larger than {at_most // 1024} KiB; is it the right file?")
    return content


_HANGS = (
    "nothing could be read within {:g} s; is it a pipe without a writer, or on a network drive"
    " that is gone?"
)


def _read(path: Path, size: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(size)


def mark(path: Path) -> Mark | None:
    """What tells a changed file without reading it; None when there is none. May block.

    A link is followed: where Kubernetes turns one to a new folder, the file is another one.
    """
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def show_path(path: Path | str) -> str:
    """A path for a message, never cut: its end is what tells it apart."""
    return quoted(str(path), at_most=4096)


def is_stream(path: Path) -> bool:
    """Whether reading it uses it up, like a pipe or `/dev/stdin`."""
    try:
        mode = within(path.stat, f"the file {show_path(path)}").st_mode
    except OSError:  # TimeoutError is one
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def lasting(files: Iterable[Path]) -> tuple[Path, ...]:
    """Those that can be read again. To be asked once: a network drive may be gone later."""
    return tuple(file for file in files if not is_stream(file))


def absolute(text: str, folder: Path, environ: Mapping[str, str]) -> str:
    """A path as written: `~` is the home folder, and a relative one is relative to `folder`.

    Raises ValueError for a `~` that leads nowhere: a container's user often has no home.
    """
    if text.startswith("~"):
        home, _, rest = text.partition("/")
        return str(_home(home, environ) / rest)
    return str(folder / text)


def _home(text: str, environ: Mapping[str, str]) -> Path:
    if text == "~" and environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(
            f'"{text}" has no home folder here; write the whole path, beginning with /'
        ) from None
