"""What a source of tokens is, and what it is asked for."""

from typing import Protocol

from authproxy.exchange import NO_TOKEN, Token


class Source(Protocol):
    """Makes identity tokens. The first of authproxy's two extension points.

    `mint` may block for seconds: it is called in a thread, never twice at once on one object.
    """

    @property
    def name(self) -> str:
        """As in the configuration, for logs: `metadata`, `file:/run/key.json`, `gcloud`."""

    def mint(self, audience: str, /) -> Token:
        """Return a new token for `audience`; raises CredentialError and nothing else."""


class NoSource:
    """`none`: the decision to send no token, known without asking."""

    name = "none"

    def mint(self, audience: str, /) -> Token:
        return NO_TOKEN
