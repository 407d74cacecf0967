"""The egress proxy for whoever fetches tokens: google-auth's requests, gcloud and commands."""

from collections.abc import Mapping

from authproxy.values import EgressProxy, EgressSpec

Egress = EgressProxy | EgressSpec
"""A proxy, or `auto` (whatever the environment says) or `none`."""

AS_ENVIRONMENT = EgressSpec("auto")

_SCHEMES = ("http", "https", "all")


def proxies_for(egress: Egress) -> dict[str, str | None]:
    """As `requests` takes them; they beat its own reading of the environment. Holds a password."""
    if isinstance(egress, EgressProxy):
        return dict.fromkeys(_SCHEMES, egress.url.reveal())
    return dict.fromkeys(_SCHEMES) if egress.kind == "none" else {}


def environ_for(egress: Egress, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a program, which is to use the same proxy as we do."""
    if egress == AS_ENVIRONMENT:
        return environ
    names = [name for scheme in _SCHEMES for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper())]
    kept = {name: value for name, value in environ.items() if name not in names}
    if isinstance(egress, EgressProxy):
        kept |= dict.fromkeys(names, egress.url.reveal())
    return kept
