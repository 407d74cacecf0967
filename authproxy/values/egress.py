"""Egress proxies: how one is written, and how the choice of one is written in the settings."""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from authproxy.exchange import Secret
from authproxy.values.credentials import parse_secret_ref
from authproxy.values.hosts import bracketed, canonical, is_host, parse_port, split_authority
from authproxy.values.wording import quoted

_EXAMPLE = "write http://PROXY:3128, or https:// for a proxy that speaks TLS itself"

NO_USER = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressProxy:
    """A proxy that opens connections for us, by CONNECT."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    userinfo: Secret = NO_USER
    """`USER:PASSWORD`, percent-encoded as in a URL, or nothing."""
    source: str = ""
    """The variable or setting that names it, for messages."""

    @property
    def authorization(self) -> Secret:
        """The value of Proxy-Authorization (RFC 7617 2), empty when there is nothing to say."""
        userinfo = self.userinfo.reveal()
        if not userinfo:
            return NO_USER
        user, _, password = userinfo.partition(":")
        pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
        return Secret(f"Basic {b64encode(pair).decode()}")

    @property
    def url(self) -> Secret:
        """As other programs want it, user name and password included."""
        userinfo = self.userinfo.reveal()
        return Secret(f"{self.scheme}://{f'{userinfo}@' if userinfo else ''}{self._authority}")

    @property
    def _authority(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self._authority}"


@dataclass(frozen=True, slots=True)
class EgressSpec:
    """Choice of an egress proxy: `auto` asks the environment, `none` uses none."""

    kind: Literal["auto", "none", "url", "env", "file"]
    value: str = ""

    def __str__(self) -> str:
        return {"url": self.value, "env": f"env:{self.value}", "file": f"file:{self.value}"}.get(
            self.kind, self.kind
        )


def parse_egress(text: str) -> EgressSpec:
    """`auto`, `none`, `env:NAME`, `file:PATH`, or a URL without user name and password."""
    text = text.strip()
    kind = text.partition(":")[0]
    if text.lower() in ("auto", "none"):
        return EgressSpec("auto" if text.lower() == "auto" else "none")
    if kind in ("env", "file"):
        value = parse_secret_ref(text).value
        return EgressSpec("env" if kind == "env" else "file", value)
    if "@" in text:
        raise ValueError(
            "a password must not be written here; put the whole URL into an environment"
            " variable or a file and write env:NAME or file:PATH"
        )
    if text.lower() in ("no", "off", "non", "false", "direct", "disabled", "never", "null", "nil"):
        raise ValueError('this is not a proxy; did you mean "none"?')
    if re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(f"{quoted(text)} is no proxy's address; write http://{text}:3128, or none")
    return EgressSpec("url", str(parse_egress_url(text)))


def parse_egress_url(text: str, *, source: str = "") -> EgressProxy:
    """`http://[USER:PASSWORD@]HOST[:PORT]`; without a scheme it is http.

    The text itself is never repeated: it may hold a password.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "http", text.strip()
    if scheme.lower() not in ("http", "https"):
        named = f" {scheme}://" if re.fullmatch(r"[a-z0-9]{1,10}", scheme.lower()) else ""
        raise ValueError(f"this is not an HTTP proxy{named and f' but{named}'}; {_EXAMPLE}")
    userinfo, _, place = rest.rpartition("@")
    host, port = split_authority(place.removesuffix("/"))
    if not is_host(host) or not userinfo.isascii() or not userinfo.isprintable():
        raise ValueError(f"this is not the address of a proxy; {_EXAMPLE}")
    number = parse_port(port) if port else 443 if scheme.lower() == "https" else 80
    if number == 0:
        raise ValueError("the port must be a number from 1 to 65535")
    return EgressProxy(
        scheme="https" if scheme.lower() == "https" else "http",
        host=canonical(host),
        port=number,
        userinfo=Secret(userinfo),
        source=source,
    )
