"""Sources that were given a finished identity token: in a file or in an environment variable."""

from collections.abc import Mapping
from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.claims import MAX_JWT, token_from_jwt
from authproxy.identity.clock_skew import HERE
from authproxy.identity.files import read_text


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
