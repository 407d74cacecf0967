"""`command:ARGV`, the source that runs any program."""

import shlex
import threading
from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.claims import token_from_jwt
from authproxy.identity.machine import Machine

TIMEOUT_S = 18.0
"""A little less than a token's deadline, so that the better of the two messages is told."""


class Command:
    """`command:ARGV`: run without a shell; it prints an identity token."""

    def __init__(
        self, command_line: str, machine: Machine, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Raises ValueError when `command_line` cannot be split into words."""
        try:
            self._argv = shlex.split(command_line)
        except ValueError as error:
            raise ValueError(f"the command cannot be split into words: {error}") from None
        if not self._argv:
            raise ValueError("the command is empty")
        # Never the arguments: people write secrets into them.
        self.name = f"command:{Path(self._argv[0]).name}"
        self._machine = machine
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        """Nobody promised that the command can be run twice at once."""

    def mint(self, audience: str, /) -> Token:
        environ = {**self._machine.environ, "AUTHPROXY_AUDIENCE": audience}
        with self._lock:
            done = self._machine.programs.run(
                self._argv, environ=environ, timeout_s=self._timeout_s, name=self.name
            )
        if done.code != 0:
            raise CredentialError(
                f"{self.name}: the command ended with exit code {done.code}",
                hint="Run it by hand; it must print an identity token and nothing else.",
                detail=done.complaint,
            )
        now = self._machine.skew.now()
        return token_from_jwt(done.output, source=self.name, audience=audience, now=now)
