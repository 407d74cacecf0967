"""The name of a service that was given as nothing but a URL, or by Cloud Run's name."""

import re
from collections.abc import Collection

from authproxy.values import Origin, is_run_service, parse_origin, parse_run_service

_NAMED_URL = re.compile(r"([^=:/?#@]*)=(.*)", re.DOTALL)
_NOT_IN_A_LABEL = re.compile(r"[^a-z0-9]+")


def split_name(text: str) -> tuple[str | None, str]:
    """`NAME=URL` as name and URL; no name when there is only a URL."""
    found = _NAMED_URL.fullmatch(text.strip())
    return (found[1], found[2]) if found else (None, text.strip())


def name_for(url: str, taken: Collection[str] = ()) -> str:
    """A name for the service at `url`, with a number behind it when it is taken."""
    try:
        by_name = is_run_service(url)
        base = parse_run_service(url).name if by_name else _name_of(parse_origin(url))
    except ValueError:
        base = "service"
    name, number = base, 2
    while name in taken:
        name = f"{base[:59]}-{number}"
        number += 1
    return name


def _name_of(origin: Origin) -> str:
    """The service's own name in either form of a Cloud Run URL, else the last name in its path or
    the host's first label.

    The forms are `SERVICE-HASH-REGION.a.run.app` and `SERVICE-PROJECTNUMBER.REGION.run.app`, each
    with `TAG---` before it for a traffic tag.
    """
    if origin.path:
        return _label(origin.path.rpartition("/")[2])
    if ":" in origin.host or origin.host.replace(".", "").isdecimal():
        return "service"
    label = origin.host.split(".")[0].split("---", 1)[-1]
    if origin.host.endswith(".a.run.app"):
        label = re.sub(r"-[a-z0-9]+-[a-z]+$", "", label)
    elif origin.host.endswith(".run.app"):
        label = re.sub(r"-\d+$", "", label)
    return _label(label)


def _label(text: str) -> str:
    return _NOT_IN_A_LABEL.sub("-", text.lower())[:63].strip("-") or "service"
