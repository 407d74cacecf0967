"""Suggestions for text that is no URL, no host and no address to listen on."""

import re

from authproxy.values.hosts import is_host, is_ipv6, is_loopback, is_number, split_authority
from authproxy.values.wording import quoted

FORMS = "write HOST:PORT, PORT, [IPV6]:PORT or unix:PATH"

_SCHEME = re.compile(r"(https?)(?::/?|;//?|/{2,3})(?=[^/:;])", re.IGNORECASE)
"""`https//a`, `https:/a`, `https:a`, `https;//a`."""
RESOURCE = re.compile(r"/*projects/([^/]+)/locations/([^/]+)/services/([^/]+)")
"""A Cloud Run service as Google's APIs name it."""
_WORDS_FOR_HTTPS = ("wss", "grpcs", "h2", "httpss", "htps", "htpps", "hhtps", "ttps", "httsp")
_WORDS_UNENCRYPTED = ("ws", "grpc", "h2c", "htp", "htttp", "ttp", "tcp")


def advice_for_url(text: str) -> str:
    """For text without `scheme://`."""
    text = text.strip()
    resource = RESOURCE.fullmatch(text)
    if resource:
        return f"for a Cloud Run service by its name write {'/'.join(resource.groups())}"
    broken = _SCHEME.match(text)
    rest = text[broken.end() :] if broken else ""
    if broken and is_host(split_authority(re.split(r"[/?#]", rest)[0])[0]) and not is_number(rest):
        is_there = ":" in broken[0]
        what = "two slashes belong behind the colon" if is_there else "a colon is missing"
        return f"{what}: write {broken[1].lower()}://{rest}"
    authority = re.split(r"[/?#]", text.lower().removeprefix("//"), maxsplit=1)[0]
    host = split_authority(authority)[0] if not is_ipv6(authority) else ""
    scheme = "http" if is_loopback(host) else "https"
    by_name = ""
    if re.fullmatch(r"[a-z][a-z0-9-]*", text) and host != "localhost":
        by_name = f", or PROJECT/REGION/{text} for a Cloud Run service by its name"
    return f"write {scheme}://{authority if is_host(host) else 'SERVICE.run.app'}{by_name}"


def advice_for_scheme(scheme: str, rest: str) -> str:
    """For a scheme that services have not."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    word = scheme.lower().strip()
    if word[:1] in ("'", '"'):
        return "; write it without quotation marks"
    if not is_host(split_authority(authority)[0]):
        return ""
    if word in _WORDS_FOR_HTTPS:
        return f"; write https://{authority}"
    scheme = "http" if is_loopback(split_authority(authority)[0]) else "https"
    return f"; write {scheme}://{authority}" if word in _WORDS_UNENCRYPTED else ""


def advice_for_host(text: str) -> str:
    """For a host name with something around it."""
    if "*" in text:
        return "; each name by itself, without *"
    authority = re.split(r"[/?#]", text.strip().rpartition("://")[2], maxsplit=1)[0]
    host = in_ascii(authority) or split_authority(authority)[0]
    return f": {host.lower()}" if is_host(host) and host != text.strip() else ""


def in_ascii(host: str) -> str:
    """A host name with other letters as it stands in `Host` (RFC 5890); empty for what is none."""
    if host.isascii():
        return ""
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return name if is_host(name) else ""


def refuse_address(text: str) -> None:
    """Raises ValueError for text that can be read as an address to listen on, and is meant as none.

    A single word could be a host's name, and is more often something else; with a port it is one.
    """
    if "://" in text:
        scheme, _, rest = text.partition("://")
        authority = rest.rstrip("/")
        if scheme.lower() == "unix":
            raise ValueError(
                f"{quoted(text)} is not an address; write unix:/{authority.lstrip('/')}"
            )
        if is_host(split_authority(authority)[0]):
            tls = "; tls_cert_file makes it https" if scheme.lower() == "https" else ""
            raise ValueError(f"{quoted(text)} is not an address; write {authority}{tls}")
    _refuse_file(text)
    if re.fullmatch(r"-\d+", text):
        raise ValueError(f"{quoted(text)} is not a port; write a number from 0 to 65535")
    if re.fullmatch(r"[A-Za-z0-9_-]+", text) and text.lower() != "localhost":
        raise ValueError(
            f"{quoted(text)} is no address; {FORMS}; {text}:8080 if it is a name of this machine"
        )
    host, _, last = text.rpartition(":")
    if is_ipv6(text) and is_ipv6(host) and is_number(last):
        raise ValueError(
            f"{quoted(text)} can be read in two ways; write [{host}]:{last} for a port, [{text}]"
            " without"
        )


def _refuse_file(text: str) -> None:
    """What has another form: a Unix socket's path, and the number of an open file."""
    if re.fullmatch(r"fd:\d*", text):
        raise ValueError(f"{quoted(text)} is not an address; write systemd for what it has opened")
    if text.startswith(("/", "./", "~")):
        raise ValueError(f"{quoted(text)} is not an address; write unix:{text} for a Unix socket")
