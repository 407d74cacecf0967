"""Addresses of services for CMD: `{url}` in its arguments, and variables of its environment."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from authproxy.values import did_you_mean

HOST = "127.0.0.1"
"""Where authproxy listens."""

_PLACEHOLDER = re.compile(r"(\{?)\{(url|address)(?::([^{}\s]*))?\}(\}?)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """The URL of each service, by its name."""

    urls: Mapping[str, str]

    def fill(self, text: str) -> str:
        """`{url}` and `{url:NAME}` become URLs, `{address}` HOST:PORT, `{{url}}` a plain `{url}`.

        Other braces stay as they are. Raises ValueError.
        """
        return _PLACEHOLDER.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        before, what, name, after = match.groups()
        if before and after:
            return match[0][1:-1]
        url = self._find(what, name)
        return f"{before}{url if what == 'url' else url.partition('://')[2]}{after}"

    def _find(self, what: str, name: str | None) -> str:
        if name is None:
            if len(self.urls) > 1:
                each = " or ".join(f"{{{what}:{known}}}" for known in self.urls)
                raise ValueError(f"{{{what}}} is not clear with several services; write {each}")
            return next(iter(self.urls.values()))
        if name not in self.urls:
            known = ", ".join(self.urls)
            raise ValueError(
                f"{{{what}:{name}}}: there is no service {name}{did_you_mean(name, self.urls)};"
                f" there are {known}. For the text itself, double the braces"
            )
        return self.urls[name]


@dataclass(frozen=True, slots=True)
class Variable:
    """`NAME` or `NAME=TEMPLATE`, of `--env`."""

    name: str
    template: str = "{url}"

    @classmethod
    def parse(cls, text: str) -> "Variable":
        """Raises ValueError."""
        name, separator, template = text.partition("=")
        if not _VARIABLE.fullmatch(name):
            raise ValueError(
                f'"{name}" cannot be a variable\'s name; write --env API_URL, or'
                " --env 'API_URL={url}/v1'"
            )
        if not separator:
            return cls(name)
        if not any(not (match[1] and match[4]) for match in _PLACEHOLDER.finditer(template)):
            raise ValueError(
                f"{name} would not say where the service is; write {name}={{url}}/v1, with {{url}}"
                " in it"
            )
        return cls(name, template)


def environment(
    environ: Mapping[str, str],
    places: ServiceUrls,
    variables: Iterable[Variable],
    forward_proxy: str | None,
) -> dict[str, str]:
    """What CMD finds in its environment. Raises ValueError.

    With several services there is no AUTHPROXY_URL: an address from outside would lead past us.
    """
    made = {**environ, **dict(_own(places))}
    if len(places.urls) > 1:
        made.pop("AUTHPROXY_URL", None)
    for variable in variables:
        made[variable.name] = places.fill(variable.template)
    if forward_proxy is not None:
        made |= {"http_proxy": forward_proxy, "HTTP_PROXY": forward_proxy}
    if _names_proxy(made):
        for name, other in _WITHOUT:
            without = made.get(name) or made.get(other)
            # Alone a star keeps every client from every proxy, and behind it nothing does.
            if forward_proxy is not None or without != "*":
                made[name] = _with_host(without)
    return made


_WITHOUT = (("no_proxy", "NO_PROXY"), ("NO_PROXY", "no_proxy"))


def _names_proxy(environ: Mapping[str, str]) -> bool:
    """Would a client ask a proxy for our addresses? By `ws_proxy`, `grpc_proxy` and their like some
    do, and for `ws://` there is one that asks `https_proxy`."""
    named = {name.lower() for name, value in environ.items() if value}
    return any(name.endswith("_proxy") for name in named - {"no_proxy"})


def _with_host(without: str | None) -> str:
    """What is asked without a proxy, and our addresses with it."""
    if not without:
        return HOST
    return without if HOST in re.split(r"[\s,]+", without) else f"{without},{HOST}"


def _own(places: ServiceUrls) -> Iterator[tuple[str, str]]:
    for name, url in places.urls.items():
        yield f"AUTHPROXY_{name.upper().replace('-', '_')}_URL", url
    if len(places.urls) == 1:
        yield "AUTHPROXY_URL", next(iter(places.urls.values()))
