"""Builds the source that a configuration names, and imports it: most need but one.

To add one: a class with `name` and `mint`, a line in the table, and its name in
`authproxy.values.credentials`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress, environ_for
from authproxy.identity.machine import Machine
from authproxy.identity.source import NoSource, Source
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


Build = Callable[[Wish], Source]


def _auto(wish: Wish) -> Source:
    from authproxy.identity.sources.auto import Auto

    return Auto(
        wish.machine,
        impersonate=wish.impersonate,
        delegates=wish.delegates,
        egress=wish.egress,
        scopes=wish.scopes,
    )


def _adc(wish: Wish) -> Source:
    from authproxy.identity.sources.auto import Adc
    from authproxy.identity.sources.locations import adc_paths

    environ = wish.machine.environ
    return _google("adc", wish, Adc(environ).find, adc_paths(environ))


def _metadata(wish: Wish) -> Source:
    from authproxy.identity.sources.auto import metadata

    return _google("metadata", wish, metadata)


def _file(wish: Wish) -> Source:
    from authproxy.identity.google.credentials import read_info

    def find() -> Mapping[str, object]:
        return read_info(wish.path, f"file:{wish.value}")

    return _google("file", wish, find, [wish.path])


def _google(
    name: str,
    wish: Wish,
    find: Callable[[], Mapping[str, object]],
    paths: Sequence[Path] = (),
) -> Source:
    from authproxy.identity.google.google_source import Google

    return Google(
        f"{name}:{wish.value}" if wish.value else name,
        find,
        skew=wish.machine.skew,
        helper=wish.machine.helper,
        impersonate=wish.impersonate,
        delegates=wish.delegates,
        egress=wish.egress,
        paths=paths,
        scopes=wish.scopes,
    )


def _gcloud(wish: Wish) -> Source:
    from authproxy.identity.sources.gcloud import Gcloud

    return Gcloud(
        wish.machine,
        impersonate=wish.impersonate,
        delegates=wish.delegates,
        scopes=wish.scopes,
    )


def _command(wish: Wish) -> Source:
    from authproxy.identity.sources.command import Command

    return Command(wish.value, wish.machine)


CAN_ACT: Mapping[str, Build] = {
    "auto": _auto,
    "adc": _adc,
    "metadata": _metadata,
    "file": _file,
    "gcloud": _gcloud,
}
"""Sources that can act as another service account."""

FINISHED: Mapping[str, Build] = {
    "token-file": lambda w: TokenFile(w.path, w.machine.skew),
    "token-env": lambda w: TokenEnv(w.value, w.machine),
    "command": _command,
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
