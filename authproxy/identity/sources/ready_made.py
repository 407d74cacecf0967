"""Sources that were given a finished identity token: in a file or in an environment variable."""

from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.claims import MAX_JWT, token_from_jwt
from authproxy.identity.clock_skew import Skew
from authproxy.identity.files import read_text
from authproxy.identity.machine import Machine


class TokenFile:
    """`token-file:PATH`. Read anew for each mint: whoever rotates the token replaces the file."""

    def __init__(self, path: Path, skew: Skew) -> None:
        self.name = f"token-file:{path}"
        self.paths = (path,)
        self._path = path
        self._skew = skew

    def mint(self, audience: str, /) -> Token:
        text = read_text(self._path, limit=MAX_JWT + 1, name=self.name)
        now = self._skew.now()
        return token_from_jwt(text, source=self.name, audience=audience, now=now)


class TokenEnv:
    """`token-env:NAME`."""

    def __init__(self, variable: str, machine: Machine) -> None:
        self.name = f"token-env:{variable}"
        self._variable = variable
        self._machine = machine

    def mint(self, audience: str, /) -> Token:
        text = self._machine.environ.get(self._variable)
        if text is None:
            raise CredentialError(
                f"{self.name}: the environment variable {self._variable} is not set",
                hint=f"export {self._variable}=$(gcloud auth print-identity-token)",
                permanent=True,
            )
        now = self._machine.skew.now()
        return token_from_jwt(text, source=self.name, audience=audience, now=now)
