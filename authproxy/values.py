"""The values that a configuration is made of, and how each is written.

Text is parsed once, here, and the value is trusted everywhere else. Wrong text raises `ValueError`
with a sentence that says what is wrong and what to write instead. Pure: no file, no environment.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

DEFAULT_PORT = 8080
LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

_TOKEN_CHARS = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_HOST_CHARS = re.compile(r"[A-Za-z0-9._-]+")
_FORBIDDEN_HEADERS = frozenset(
    [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "cookie",
    ]
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A service's address: `scheme://host[:port]`; host in lower case, IPv6 bare."""

    scheme: Literal["https", "http"]
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The `Host` to send: the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def audience(self) -> str:
        """What Cloud Run accepts as `aud`: the origin, without a traffic tag (google.md C3)."""
        return f"{self.scheme}://{self.authority.split('---', 1)[-1]}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: a TCP host and port, or the path of a Unix socket.

    `port` is None when the user left it out ($PORT or 8080 then), 0 for any free one.
    """

    host: str = "localhost"
    port: int | None = None
    path: Path | None = None

    @property
    def is_loopback(self) -> bool:
        if self.path is not None or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class CredentialsSpec:
    """A token source as configured: its kind, and what follows the colon."""

    kind: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}" if self.value else self.kind


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is to be read from, never the secret itself."""

    kind: Literal["env", "file"]
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


PLAIN_SOURCES = ("auto", "adc", "metadata", "gcloud", "none")
VALUE_SOURCES = {
    "file": "the path of a service account's key file",
    "token-file": "the path of a file that holds an identity token",
    "token-env": "the name of an environment variable that holds an identity token",
    "command": "a command that prints an identity token",
}


def parse_origin(text: str) -> Origin:
    """`https://host[:port]`; a path other than `/`, a query, user or fragment is refused."""
    split = urlsplit(text.strip())
    if not split.scheme or "://" not in text:
        raise ValueError(f'"{text}" is not a URL; write https://{text or "SERVICE.run.app"}')
    if split.scheme not in ("https", "http"):
        raise ValueError(f'the scheme must be https, not "{split.scheme}"')
    if split.username is not None or split.password is not None:
        raise ValueError("a user name or password in the URL is not supported; remove it")
    if split.path not in ("", "/") or split.query or split.fragment:
        raise ValueError(
            "give the service's address only; authproxy passes on the path that each client asks"
            f" for: {split.scheme}://{split.netloc}"
        )
    try:
        port = split.port
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    host = split.hostname or ""
    if not host or not (_HOST_CHARS.fullmatch(host) or _is_ipv6(host)):
        raise ValueError(f'"{split.netloc}" is not a host name; write https://SERVICE.run.app')
    scheme: Literal["https", "http"] = "https" if split.scheme == "https" else "http"
    return Origin(scheme, host, port or (443 if scheme == "https" else 80))


def parse_listen(text: str) -> Listen:
    """`host:port`, `host`, `port`, `[v6]:port` or `unix:PATH`."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path:
            raise ValueError("unix: needs a path, as in unix:/run/authproxy.sock")
        return Listen(path=Path(path))
    if text.isdecimal():
        return Listen(port=_parse_port(text))
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f'"{text}" is not an address; write [::1]:8080')
        port = rest.removeprefix(":")
    elif text.count(":") > 1:
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    if not host or not (_HOST_CHARS.fullmatch(host) or _is_ipv6(host)):
        raise ValueError(
            f'"{text}" is not an address; write HOST:PORT, PORT, [IPV6]:PORT or unix:PATH'
        )
    return Listen(host, _parse_port(port) if port else None)


def parse_credentials(text: str) -> CredentialsSpec:
    """One of PLAIN_SOURCES, or `kind:value` with a kind of VALUE_SOURCES."""
    if text in PLAIN_SOURCES:
        return CredentialsSpec(text)
    kind, colon, value = text.partition(":")
    if kind in VALUE_SOURCES and colon and value.strip():
        return CredentialsSpec(kind, value.strip())
    if kind in VALUE_SOURCES:
        raise ValueError(f'"{kind}:" needs {VALUE_SOURCES[kind]} after the colon')
    known = ", ".join([*PLAIN_SOURCES, *(f"{name}:…" for name in VALUE_SOURCES)])
    raise ValueError(f'"{kind}" is not a source of tokens; the sources are {known}')


def parse_secret_ref(text: str) -> SecretRef:
    """`env:NAME` or `file:PATH`. The text itself is never repeated: it may be the secret."""
    kind, _, value = text.partition(":")
    if kind == "env" and value:
        return SecretRef("env", value)
    if kind == "file" and value:
        return SecretRef("file", value)
    raise ValueError(
        "a key is not written here in clear; put it into an environment variable or a file and"
        " write env:NAME or file:PATH"
    )


def parse_network(text: str) -> Network:
    """An address or a CIDR range; an IPv4-mapped IPv6 range becomes the IPv4 one."""
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(
            f'"{text}" is not an address or a CIDR range; write 192.0.2.7, 10.0.0.0/8 or'
            " 2001:db8::/32"
        ) from None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def parse_header_name(text: str) -> str:
    """A field name that may carry a credential (RFC 9110 5.1), or `auto`."""
    if not _TOKEN_CHARS.fullmatch(text):
        raise ValueError(f'"{text}" is not a header name; write X-Serverless-Authorization')
    if text.lower() in _FORBIDDEN_HEADERS or text.lower().startswith("x-forwarded-"):
        raise ValueError(f"{text} has a meaning of its own and cannot carry a credential")
    return text


def parse_host_name(text: str) -> str:
    """A name or address as in `Host`, without a port; lower case, IPv6 without brackets."""
    name = text.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    if not (_HOST_CHARS.fullmatch(name) or _is_ipv6(name)):
        raise ValueError(f'"{text}" is not a host name; write it without scheme, port and path')
    return name


def parse_email(text: str) -> str:
    """A service account's address."""
    if not re.fullmatch(r"[^@\s/]+@[^@\s/]+\.[^@\s/]+", text):
        raise ValueError(
            f'"{text}" is not a service account; write NAME@PROJECT.iam.gserviceaccount.com'
        )
    return text


def _is_ipv6(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv6Address)
    except ValueError:
        return False


def _parse_port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError(f'"{text}" is not a port; write a number from 0 to 65535')
    return int(text)
