"""Sources that were given a finished identity token: in a file or in an environment variable."""

import os
from collections.abc import Mapping
from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.claims import MAX_JWT, token_from_jwt
from authproxy.identity.skew import HERE


class TokenFile:
    """`token-file:PATH`. Read anew for each mint: whoever rotates the token replaces the file."""

    def __init__(self, path: Path) -> None:
        self.name = f"token-file:{path}"
        self.paths = (path,)
        self._path = path

    def mint(self, audience: str, /) -> Token:
        text = read_text(self._path, limit=MAX_JWT + 1, name=self.name)
        return token_from_jwt(text, source=self.name, audience=audience, now=HERE.now())


class TokenEnv:
    """`token-env:NAME`."""

    def __init__(self, variable: str, environ: Mapping[str, str]) -> None:
        self.name = f"token-env:{variable}"
        self._variable = variable
        self._environ = environ

    def mint(self, audience: str, /) -> Token:
        text = self._environ.get(self._variable)
        if text is None:
            raise CredentialError(
                f"{self.name}: the environment variable {self._variable} is not set",
                hint=f"export {self._variable}=$(gcloud auth print-identity-token)",
                permanent=True,
            )
        return token_from_jwt(text, source=self.name, audience=audience, now=HERE.now())


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
            f"{name}: the file may not be read by this user (uid {os.geteuid()})",
            hint=f"Make it readable: chown {os.geteuid()} {path}",
            permanent=True,
        ) from None
    except OSError as error:
        raise CredentialError(
            f"{name}: the file cannot be read ({error.strerror})",
            hint="It must be the path of a plain file.",
            permanent=True,
        ) from None
