"""Addresses of services, of listeners and of the admin listener."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from authproxy.values.hosts import (
    bracketed,
    canonical,
    is_host,
    is_ipv6,
    is_loopback,
    is_number,
    parse_port,
    split_authority,
)
from authproxy.values.mistakes import (
    FORMS,
    advice_for_host,
    advice_for_scheme,
    advice_for_url,
    in_ascii,
    refuse_address,
)
from authproxy.values.wording import parse_path, quoted

_BASE_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)+")
_ABSTRACT = re.compile(r"[A-Za-z0-9._/-]{1,100}")

DEFAULT_PORT = 8080
ADMIN_PORT = 4040
PROBE_HOST = "authproxy.invalid"
"""What `authproxy status` asks for: nobody has this name (RFC 6761 6.4)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A service's address: `scheme://host[:port][/path]`; host in lower case, IPv6 bare."""

    scheme: Literal["https", "http"]
    host: str
    port: int
    path: str = ""
    """What all the service's paths begin with, as in `/billing`; empty when that is nothing."""

    @property
    def authority(self) -> str:
        """The `Host` to send: the port only when it is not the scheme's own."""
        host = bracketed(self.host)
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def audience(self) -> str:
        """What Cloud Run accepts as `aud`: without the path, and without a traffic tag."""
        return f"{self.scheme}://{self.authority.split('---', 1)[-1]}"

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def root(self) -> str:
        """Without the path, as browsers mean an origin."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return f"{self.root}{self.path}"


@dataclass(frozen=True, slots=True)
class Listen:
    """Place to listen at: TCP host and port, path of a Unix socket, or systemd's sockets.

    `port` is None when the user left it out ($PORT or 8080 then), 0 for any free one.
    """

    host: str = "localhost"
    port: int | None = None
    path: Path | None = None
    inherited: str | None = None
    """The name of sockets that systemd has opened; empty for all of them."""

    @property
    def is_loopback(self) -> bool:
        """Of sockets that systemd has opened nobody knows; they let in this machine only."""
        is_elsewhere = self.path is not None or self.inherited is not None
        return is_elsewhere or is_loopback(self.host)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it listens: `localhost` is two addresses."""
        return ("127.0.0.1", "::1") if self.host == "localhost" else (self.host,)

    @property
    def is_abstract(self) -> bool:
        """`unix:@NAME`: a name that Linux keeps, unix(7), without a file."""
        return self.path is not None and str(self.path).startswith("@")

    def __str__(self) -> str:
        if self.inherited is not None:
            return f"systemd:{self.inherited}" if self.inherited else "systemd"
        if self.path is not None:
            return f"unix:{self.path}"
        host = bracketed(self.host)
        return host if self.port is None else f"{host}:{self.port}"


_USUAL_ADMIN = Listen("127.0.0.1", ADMIN_PORT)
_OFF = ("off", "none", "no", "false", "disabled", "0")


@dataclass(frozen=True, slots=True)
class AdminSpec:
    """`auto` is for a person at a terminal outside containers and CI, and off elsewhere; `near` is
    for programs: at that port or the next free one, wherever it runs."""

    kind: Literal["auto", "off", "at", "near"]
    listen: Listen = _USUAL_ADMIN
    """Has a port, or is a Unix socket."""

    def __str__(self) -> str:
        return str(self.listen) if self.kind in ("at", "near") else self.kind


def parse_origin(text: str, *, example: str = "https://SERVICE.run.app") -> Origin:
    """`https://host[:port][/path]`; a query, user or fragment is refused.

    A user name and password are never repeated.
    """
    scheme, separator, rest = text.strip().partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in text:
        raise ValueError("a user name or password in a URL (anything with @) is not supported")
    if not separator or not scheme:
        raise ValueError(f"{quoted(text)} is not a URL; {advice_for_url(text)}")
    if scheme.lower() not in ("https", "http"):
        raise ValueError(
            f"the scheme must be https, not {quoted(scheme)}{advice_for_scheme(scheme, rest)}"
        )
    host, port = split_authority(authority)
    if not is_host(host):
        known = in_ascii(host)
        if "," in authority and "://" in rest:
            raise ValueError("this is more than one address; write each by itself")
        meant = f"{scheme}://{known}" if known else example
        raise ValueError(f"{quoted(authority)} is not a host name; write {meant}")
    path = _base_path(rest.removeprefix(authority), f"{scheme}://{authority}")
    number = parse_port(port) if port else 443 if scheme.lower() == "https" else 80
    if number == 0:
        raise ValueError("the port must be a number from 1 to 65535")
    return Origin("https" if scheme.lower() == "https" else "http", canonical(host), number, path)


def _base_path(text: str, before: str) -> str:
    """What a service's paths begin with, without the `/` at the end."""
    path = re.split("[?#]", text)[0].rstrip("/")
    if "*" in path:
        plain = path.partition("*")[0].rpartition("/")[0]
        raise ValueError(
            f"{quoted(path)} is a pattern; write {before}{plain}; all that is below it can be asked"
            " for"
        )
    if path and (not _BASE_PATH.fullmatch(path) or {"", ".", ".."} & set(path[1:].split("/"))):
        raise ValueError(
            f"{quoted(path)} is not allowed in a service's address; write a path as in"
            f" {before}/billing, without empty names, dots as names and %"
        )
    if "?" in text or "#" in text:
        raise ValueError(f"a service's address has no query and no fragment; write {before}{path}")
    return path


def parse_listen(text: str) -> Listen:
    """`host:port`, `host`, `port`, `[v6]:port`, `unix:PATH`, `unix:@NAME`, `systemd[:NAME]`."""
    text = text.strip()
    if text == "systemd" or text.startswith("systemd:"):
        return Listen(port=0, inherited=text.removeprefix("systemd").removeprefix(":"))
    if text.startswith("unix:@"):
        name = text.removeprefix("unix:@")
        if not _ABSTRACT.fullmatch(name):
            raise ValueError(
                f"{quoted(text)} is no abstract name; write unix:@ and up to 100 letters, digits,"
                " dots, hyphens, underscores or slashes"
            )
        return Listen(path=Path(f"@{name}"))
    if text.startswith("unix:") and not text.startswith("unix://"):
        return Listen(path=parse_path(text.removeprefix("unix:"), "unix:/run/authproxy.sock"))
    if is_number(text):
        return Listen(port=parse_port(text))
    refuse_address(text)
    host, port = (text, "") if is_ipv6(text) else split_authority(text)
    if host in ("", "*") and port:
        raise ValueError(
            f"{quoted(text)} names no address; write localhost:{port} for this machine only,"
            f" 0.0.0.0:{port} for every network"
        )
    if not (is_host(host) or is_ipv6(host)):
        raise ValueError(f"{quoted(text)} is not an address; {FORMS}")
    return Listen(canonical(host), parse_port(port) if port else None)


def parse_admin(text: str) -> AdminSpec:
    """`off`, `auto`, or an address as for `--listen`; without a port it gets 4040."""
    word = text.strip().lower()
    if word in _OFF:
        return AdminSpec("off")
    if word == "auto":
        return AdminSpec("auto")
    if word in ("on", "true", "yes"):
        return AdminSpec("at")
    listen = parse_listen(text)
    if listen.inherited is not None:
        raise ValueError(
            f"{quoted(text)} is for listeners of clients; write 127.0.0.1:{ADMIN_PORT} or unix:PATH"
        )
    if listen.path is None and listen.port is None:
        listen = replace(listen, port=ADMIN_PORT)
    return AdminSpec("at", listen)


def parse_host_name(text: str) -> str:
    """A name or address as in `Host`, without a port; lower case, IPv6 without brackets."""
    name = text.strip()
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1] if is_ipv6(name[1:-1]) else ""
    if not is_host(name):
        raise ValueError(
            f"{quoted(text)} is not a host name; write it without scheme, port and path"
            f"{advice_for_host(text)}"
        )
    return canonical(name)
