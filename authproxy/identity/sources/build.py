"""Builds the source that a configuration names.

To add one: a class with `name` and `mint`, a line in the table, and its name in
`authproxy.values.credentials`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from authproxy.identity.google.credentials import read_info
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress, environ_for
from authproxy.identity.google.google_source import Google
from authproxy.identity.machine import Machine
from authproxy.identity.source import NoSource, Source
from authproxy.identity.sources.auto import Adc, Auto, metadata
from authproxy.identity.sources.command import Command
from authproxy.identity.sources.gcloud import Gcloud
from authproxy.identity.sources.locations import adc_paths
from authproxy.identity.sources.ready_made import TokenEnv, TokenFile
from authproxy.values import CredentialsSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Arguments for the source to be built."""

    value: str
    machine: Machine
    impersonate: str | None
    delegates: Sequence[str]
    egress: Egress
    scopes: Sequence[str]

    @property
    def path(self) -> Path:
        """`~` at the beginning is the home directory, as far as there is one."""
        home = self.machine.environ.get("HOME")
        if home and self.value.startswith("~/"):
            return Path(home) / self.value.removeprefix("~/")
        return Path(self.value)


def _google(
    name: str,
    find: Callable[[Wish], Callable[[], Mapping[str, object]]],
    paths: Callable[[Wish], Sequence[Path]] = lambda _: (),
) -> "Build":
    def build(wish: Wish) -> Source:
        full = f"{name}:{wish.value}" if wish.value else name
        return Google(
            full,
            find(wish),
            skew=wish.machine.skew,
            helper=wish.machine.helper,
            impersonate=wish.impersonate,
            delegates=wish.delegates,
            egress=wish.egress,
            paths=paths(wish),
            scopes=wish.scopes,
        )

    return build


Build = Callable[[Wish], Source]

CAN_ACT: Mapping[str, Build] = {
    "auto": lambda w: Auto(
        w.machine,
        impersonate=w.impersonate,
        delegates=w.delegates,
        egress=w.egress,
        scopes=w.scopes,
    ),
    "adc": _google(
        "adc", lambda w: Adc(w.machine.environ).find, lambda w: adc_paths(w.machine.environ)
    ),
    "metadata": _google("metadata", lambda _: metadata),
    "file": _google(
        "file", lambda w: lambda: read_info(w.path, f"file:{w.value}"), lambda w: [w.path]
    ),
    "gcloud": lambda w: Gcloud(
        w.machine, impersonate=w.impersonate, delegates=w.delegates, scopes=w.scopes
    ),
}
"""Sources that can act as another service account."""

FINISHED: Mapping[str, Build] = {
    "token-file": lambda w: TokenFile(w.path, w.machine.skew),
    "token-env": lambda w: TokenEnv(w.value, w.machine),
    "command": lambda w: Command(w.value, w.machine),
    "none": lambda _: NoSource(),
}
"""Sources that are given finished tokens, or none."""


def build_source(
    spec: CredentialsSpec,
    *,
    impersonate: str | None,
    delegates: Sequence[str],
    machine: Machine,
    egress: Egress = AS_ENVIRONMENT,
    scopes: Sequence[str] = (),
) -> Source:
    """The source that `spec` names; nothing is read or asked before the first mint.

    With `scopes` it makes access tokens for Google's own APIs, whatever audience it is asked for.

    google-auth itself reads the process's own environment, whatever the machine's is. Raises
    ValueError when `spec` cannot do with `impersonate` or `scopes`.
    """
    wish = Wish(
        value=spec.value,
        machine=replace(machine, environ=environ_for(egress, machine.environ)),
        impersonate=impersonate,
        delegates=tuple(delegates),
        egress=egress,
        scopes=tuple(scopes),
    )
    if delegates and impersonate is None:
        raise ValueError("delegates are the way to a service account; set impersonate too")
    if spec.kind in CAN_ACT:
        return CAN_ACT[spec.kind](wish)
    if impersonate is not None:
        raise ValueError(
            f"{spec.kind} cannot act as another service account; remove impersonate, or use one of"
            f" {', '.join(sorted(CAN_ACT))}"
        )
    if scopes:
        raise ValueError(
            f"{spec.kind} has identity tokens only, and an access token is needed; use one of"
            f" {', '.join(sorted(CAN_ACT))}"
        )
    return FINISHED[spec.kind](wish)
