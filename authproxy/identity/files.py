"""Reads the files that credentials are in."""

from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.system.offers import this_user, user_id


def read_text(path: Path, *, limit: int, name: str) -> str:
    """At most `limit` bytes of a file; what is not UTF-8 in it is replaced.

    Raises CredentialError.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except FileNotFoundError:
        raise CredentialError(
            f"{name}: there is no such file", hint="Is the path right?", permanent=True
        ) from None
    except PermissionError:
        raise CredentialError(
            f"{name}: the file may not be read by {this_user()}",
            hint=f"Make it readable: chown {user_id()} {path}",
            permanent=True,
        ) from None
    except OSError as error:
        raise CredentialError(
            f"{name}: the file cannot be read ({error.strerror})",
            hint="It must be the path of a plain file.",
            permanent=True,
        ) from None
