"""The kinds of values that a setting can have, each with its check and its sentence.

Text becomes a value here; what a value means on its own is in `authproxy.values`.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator

from authproxy.values import (
    CredentialsSpec,
    EgressSpec,
    Listen,
    Network,
    Origin,
    RunService,
    SecretRef,
    did_you_mean,
    parse_audience,
    parse_credentials,
    parse_egress,
    parse_email,
    parse_file,
    parse_header_line,
    parse_header_name,
    parse_host_name,
    parse_listen,
    parse_method,
    parse_network,
    parse_origin,
    parse_path_prefix,
    parse_removed_header,
    parse_run_service,
    parse_scope,
    parse_secret_header,
    parse_secret_ref,
    parse_service_name,
    parse_tag,
    parse_web_origin,
    quoted,
)

READ_ONLY = ("GET", "HEAD", "OPTIONS")


def _text(parse: Callable[[str], object], *parsed: type) -> BeforeValidator:
    """Run `parse` on text; a value of one of the types `parsed` passes as it is."""

    def run(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, parsed):
            return value
        raise ValueError("must be text in quotes")

    return BeforeValidator(run)


def _one_of(*words: str) -> BeforeValidator:
    """One of these words, in upper or lower case."""

    def run(value: object) -> object:
        word = value if isinstance(value, str) else ""
        if word.lower() not in words:
            got = f", not {quoted(word)}{did_you_mean(word, words)}" if word else ""
            raise ValueError(f"must be one of {', '.join(words)}{got}")
        return word.lower()

    return BeforeValidator(run)


def _listen_value(value: object) -> object:
    """A bare number is a port."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _version(value: object) -> object:
    """TOML takes 1.3 without quotes for a number."""
    return str(value) if isinstance(value, float) else value


def _one_or_many(value: object) -> object:
    """`"x"` means `["x"]`."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _not_empty(value: object) -> object:
    """Not by min_length: pydantic would count elements only after leaving out the wrong ones."""
    if value in ([], ()):
        raise ValueError("must not be empty; leave it out to get the default")
    return value


def _not_a_bool(value: object) -> object:
    """pydantic takes true for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _token_kind(value: object) -> object:
    """What else stands there may be a token, so it is not repeated."""
    if value in ("identity", "access"):
        return value
    raise ValueError(
        'must be "identity" or "access"; where a token comes from is said by credentials, as in'
        ' credentials = "token-env:NAME"'
    )


def _spell_out(value: object) -> object:
    """`read-only` in a list of methods."""
    if not isinstance(value, list | tuple):
        return value
    spelled: list[object] = []
    for item in value:
        spelled += READ_ONLY if item == "read-only" else [item]
    return spelled


def _digest(text: str) -> str:
    """What else stands there may be a key, so it is not repeated."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text.strip()):
        raise ValueError(
            "must be the 64 hexadecimal digits of a key's SHA-256, not the key itself; authproxy"
            " key makes both, and authproxy key --sha256 the digest of a key that you have"
        )
    return text.strip().lower()


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise ValueError(f'{quoted(text)} is no file mode; write "0600", or "0660" for a group')
    return mode


def _key_header(text: str) -> str:
    name = parse_header_name(text)
    if name == "auto":
        raise ValueError("needs a header's name, as in X-Api-Key")
    return name


OriginValue = Annotated[Origin, _text(parse_origin, Origin)]
RunServiceValue = Annotated[RunService, _text(parse_run_service, RunService)]
Tag = Annotated[str, _text(parse_tag)]
ListenValue = Annotated[Listen, _text(parse_listen, Listen), BeforeValidator(_listen_value)]
CredentialsValue = Annotated[CredentialsSpec, _text(parse_credentials, CredentialsSpec)]
SecretRefValue = Annotated[SecretRef, _text(parse_secret_ref, SecretRef)]
EgressValue = Annotated[EgressSpec, _text(parse_egress, EgressSpec)]
NetworkValue = Annotated[Network, _text(parse_network, IPv4Network, IPv6Network)]
FileValue = Annotated[Path, _text(parse_file, Path)]
HeaderName = Annotated[str, _text(parse_header_name)]
KeyHeaderName = Annotated[str, _text(_key_header)]
HostName = Annotated[str, _text(parse_host_name)]
ServiceName = Annotated[str, _text(parse_service_name)]
PathPrefix = Annotated[str, _text(parse_path_prefix)]
Audience = Annotated[str, _text(parse_audience)]
Email = Annotated[str, _text(parse_email)]
Networks = Annotated[tuple[NetworkValue, ...], BeforeValidator(_one_or_many)]
WebOrigins = Annotated[
    tuple[Annotated[str, _text(parse_web_origin)], ...], BeforeValidator(_one_or_many)
]
Origins = Annotated[tuple[OriginValue, ...], BeforeValidator(_one_or_many)]
HeaderLines = Annotated[
    tuple[Annotated[tuple[str, str], _text(parse_header_line, tuple)], ...],
    BeforeValidator(_one_or_many),
]
SecretHeaders = Annotated[
    tuple[Annotated[tuple[str, SecretRef], _text(parse_secret_header, tuple)], ...],
    BeforeValidator(_one_or_many),
]
RemovedHeaders = Annotated[
    tuple[Annotated[str, _text(parse_removed_header)], ...], BeforeValidator(_one_or_many)
]
PathPrefixes = Annotated[tuple[PathPrefix, ...], BeforeValidator(_one_or_many)]
Methods = Annotated[
    tuple[Annotated[str, _text(parse_method)], ...],
    BeforeValidator(_spell_out),
    BeforeValidator(_one_or_many),
]
Digests = Annotated[tuple[Annotated[str, _text(_digest)], ...], BeforeValidator(_one_or_many)]
ServiceNames = Annotated[tuple[ServiceName, ...], BeforeValidator(_one_or_many)]
HostNames = Annotated[tuple[HostName, ...], BeforeValidator(_one_or_many)]
Emails = Annotated[tuple[Email, ...], BeforeValidator(_one_or_many)]
Listens = Annotated[
    tuple[ListenValue, ...], BeforeValidator(_not_empty), BeforeValidator(_one_or_many)
]
Uids = Annotated[
    tuple[Annotated[int, BeforeValidator(_not_a_bool)], ...], BeforeValidator(_one_or_many)
]
FileMode = Annotated[int, _text(_mode, int)]
Count = Annotated[int, BeforeValidator(_not_a_bool)]
Seconds = Annotated[float, BeforeValidator(_not_a_bool)]
TlsVersion = Annotated[Literal["1.2", "1.3"], _one_of("1.2", "1.3"), BeforeValidator(_version)]
TokenKind = Annotated[Literal["identity", "access"], BeforeValidator(_token_kind)]
Scope = Annotated[str, _text(parse_scope)]
Scopes = Annotated[tuple[Scope, ...], BeforeValidator(_not_empty), BeforeValidator(_one_or_many)]
ForwardedHost = Annotated[Literal["service", "client"], _one_of("service", "client")]
LogFormat = Annotated[Literal["auto", "text", "json"], _one_of("auto", "text", "json")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], _one_of("debug", "info", "warning", "error")
]
