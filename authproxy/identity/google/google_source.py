"""Source of tokens by google-auth, which is asked in a process apart where there is one."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from authproxy.exchange import Token
from authproxy.identity.apart.helper import Helper
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.apart import mint
from authproxy.identity.google.credentials import METADATA, Info, Order, kind_of
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.google.errors import ADC_LOGIN
from authproxy.identity.google.federation import subject_file_of
from authproxy.policy.google.cloud_run import GCLOUD_CLIENTS

logger = logging.getLogger(__name__)


class Google:
    """Source of tokens by google-auth, of the credentials that `find` finds at each mint."""

    def __init__(
        self,
        name: str,
        find: Callable[[], Info],
        *,
        skew: Skew,
        helper: Helper | None = None,
        impersonate: str | None = None,
        delegates: Sequence[str] = (),
        egress: Egress = AS_ENVIRONMENT,
        paths: Sequence[Path] = (),
        scopes: Sequence[str] = (),
    ) -> None:
        """`paths`: where `find` looks for files; `scopes`: mint access tokens with these.

        `helper`: of a process in which google-auth is imported; without one it is in this one.
        """
        self.name = name
        self._paths = tuple(paths)
        self._subject_file: tuple[Path, ...] = ()
        self._find = find
        self._skew = skew
        self._helper = helper
        self._egress = egress
        self._impersonate = impersonate
        self._delegates = tuple(delegates)
        self._scopes = tuple(scopes)
        self._told_of_user = False

    @property
    def paths(self) -> tuple[Path, ...]:
        """That of a subject token is known once the file that names it was read."""
        return (*self._paths, *self._subject_file)

    def mint(self, audience: str, /) -> Token:
        info = self._find()
        self._subject_file = subject_file_of(info)
        if info is not METADATA:
            kind_of(info, self.name)  # what it refuses needs no process
        order = Order(
            source=self.name,
            audience=audience,
            info=info,
            impersonate=self._impersonate,
            delegates=self._delegates,
            scopes=self._scopes,
            egress=self._egress,
        )
        token = mint(order, self._skew, self._helper)
        if not self._scopes:
            self._tell_of_user(info, token)
        return token

    def _tell_of_user(self, info: Info, token: Token) -> None:
        """Once: it surprises everybody who looks at the token."""
        if self._told_of_user or self._impersonate or info.get("type") != "authorized_user":
            return
        self._told_of_user = True
        if token.audience in GCLOUD_CLIENTS:
            logger.info(
                "%s is a user: the token's audience is gcloud's client id, which Cloud Run accepts",
                token.principal,
                extra={"principal": token.principal, "source": self.name},
            )
        else:
            logger.warning(
                "%s is a user, and the token's audience is the OAuth client %s, which Cloud Run"
                " will most likely refuse; run: %s",
                token.principal,
                token.audience,
                ADC_LOGIN,
                extra={"principal": token.principal, "source": self.name},
            )
