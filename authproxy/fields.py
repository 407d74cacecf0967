"""The kinds of values that a setting can have, each with its check and its sentence.

Text becomes a value here; what a value means on its own is in `authproxy.values`.
"""

import re
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from authproxy.tables.field import Before
from authproxy.values import (
    READ_ONLY,
    AdminSpec,
    CredentialsSpec,
    EgressSpec,
    Listen,
    Network,
    Origin,
    RunService,
    SecretRef,
    did_you_mean,
    is_read_only,
    parse_admin,
    parse_audience,
    parse_bytes,
    parse_count,
    parse_credentials,
    parse_egress,
    parse_email,
    parse_file,
    parse_header_line,
    parse_header_name,
    parse_host_name,
    parse_key_header,
    parse_listen,
    parse_local_secret_ref,
    parse_method,
    parse_name,
    parse_network_of_clients,
    parse_origin,
    parse_path_prefix,
    parse_project,
    parse_rate,
    parse_removed_header,
    parse_run_service,
    parse_scope,
    parse_seconds,
    parse_secret_header,
    parse_secret_name,
    parse_secret_ref,
    parse_service_name,
    parse_share,
    parse_tag,
    parse_web_origin,
    parse_workers,
    quoted,
    refuse_placeholder,
)

_NAMING_SECRETS = (
    *(parse_credentials, parse_egress, parse_secret_header, parse_secret_ref),
    parse_local_secret_ref,
)
"""Where env:NAME is to be written for $NAME, and never the value."""


def _text(parse: Callable[[str], object], *parsed: type) -> Before:
    """Run `parse` on text; a value of one of the types `parsed` passes as it is."""

    def run(value: object) -> object:
        if isinstance(value, str):
            if parse not in _NAMING_SECRETS:
                refuse_placeholder(value)
            return parse(value.strip())
        if isinstance(value, parsed):
            return value
        raise ValueError("must be text in quotes")

    return Before(run)


def _each(parse: Callable[[str], object], *parsed: type) -> Before:
    """As `_text`, for elements of a list: two in one text are told apart from a wrong one."""

    def run(text: str) -> object:
        try:
            return parse(text)
        except ValueError:
            parts = [part.strip() for part in text.split(",") if part.strip()]
            if len(parts) < 2:
                _refuse_several(text, parse)
                raise
            apart = ", ".join(map(quoted, parts))
            raise ValueError(
                f"{quoted(text)} is more than one; write each in quotes of its own: {apart}"
            ) from None

    return _text(run, *parsed)


def _refuse_several(text: str, parse: Callable[[str], object]) -> None:
    """Raises ValueError for what is good values, with something else than commas between them."""
    parts = [part for part in re.split(r"[\s;|]+", text) if part]
    try:
        for part in parts:
            parse(part)
    except ValueError:
        return
    if len(parts) > 1:
        raise ValueError(
            f"{quoted(text)} is more than one; write commas between: {', '.join(parts)}"
        )


def _one_of(*words: str) -> Before:
    """One of these words, in upper or lower case."""

    def run(value: object) -> object:
        word = value.strip() if isinstance(value, str) else ""
        if word.lower() not in words:
            got = f", not {quoted(word)}{did_you_mean(word, words)}" if word else ""
            raise ValueError(f"must be one of {', '.join(words)}{got}")
        return word.lower()

    return Before(run)


def _listen_value(value: object) -> object:
    """A bare number is a port."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _admin_value(value: object) -> object:
    """A bare number is a port, and false is off."""
    return str(value) if isinstance(value, int) else value


def _switch(value: object) -> object:
    """TOML has words of its own for two of the three."""
    return ("on" if value else "off") if isinstance(value, bool) else value


def _version(value: object) -> object:
    """TOML takes 1.3 without quotes for a number; many write TLSv1.3."""
    text = (
        re.sub(r"(?i)^tls[v _-]*", "", str(value).strip()).replace("_", ".")
        if isinstance(value, float | str)
        else ""
    )
    if text in ("1.0", "1.1", "1"):
        raise ValueError(
            f'TLS {text} is not secure; write "1.2", the oldest that authproxy supports'
        )
    return text or value


def _one_or_many(value: object) -> object:
    """`"x"` means `["x"]`."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _listed(value: object) -> object:
    """`"x, y"` means `["x", "y"]`, as in the environment."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else []
    return [part for part in parts if part] if len(parts) > 1 else _one_or_many(value)


def _not_empty(value: object) -> object:
    """Not by min_length: pydantic would count elements only after leaving out the wrong ones."""
    if value in ([], ()):
        raise ValueError("must not be empty; leave it out to get the default")
    return value


def _uid(value: object) -> object:
    """pydantic takes true for 1."""
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,10}", text):
        raise ValueError(f"{quoted(text)} is not the number of a user; id -u NAME prints it")
    return text


def _lines(value: object) -> object:
    """Header lines; a table of names and values is not one."""
    if isinstance(value, dict):
        raise ValueError('must be a list of lines, as in ["X-Name: value"]')
    return _one_or_many(value)


def _token_kind(value: object) -> object:
    """What else stands there may be a token, so it is not repeated."""
    if value in ("identity", "access"):
        return value
    raise ValueError(
        'must be "identity" or "access"; to say where a token comes from, use credentials, as in'
        ' credentials = "token-env:NAME"'
    )


def _spell_out(value: object) -> object:
    """`read-only` in a list of methods; each is in it once."""
    if not isinstance(value, list | tuple):
        return value
    spelled: list[object] = []
    for item in value:
        is_word = isinstance(item, str) and is_read_only(item)
        spelled += [name for name in READ_ONLY if name not in spelled] if is_word else [item]
    return spelled


def _amount(parse: Callable[[str], object]) -> Before:
    """A number, or text with a unit. pydantic takes true for 1, and any text for no number."""

    def run(value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("must be a number, not true or false")
        return parse(value) if isinstance(value, str) else value

    return Before(run)


def _digest(text: str) -> str:
    """What else stands there may be a key, so it is not repeated."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text.strip()):
        raise ValueError(
            "must be the 64 hexadecimal digits of a key's SHA-256, not the key itself; authproxy"
            " key makes both, and authproxy key --sha256 the digest of a key that you have"
        )
    return text.strip().lower()


def _mode(value: object) -> object:
    """As for chmod."""
    try:
        mode = int(value, 8) if isinstance(value, str) else _mode_of_number(value)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        shown = quoted(value) if isinstance(value, str) else str(value)
        raise ValueError(f'{shown} is no file mode; write "0600", or "0660" for a group')
    if not mode & 0o200:
        raise ValueError(
            f'{mode:04o} lets nobody connect: clients need write permission; write "0600"'
        )
    return mode


def _mode_of_number(value: object) -> int:
    """TOML's 0o600. Its 600 is a decimal number, and would be 0o1130.

    Only what reads like a mode in octal is taken for one; what does in decimal never does so.
    """
    digits = f"{value:03o}" if isinstance(value, int) and not isinstance(value, bool) else ""
    reads_like_one = re.fullmatch("[76][7640]{2}", digits) and [*digits] == sorted(digits)[::-1]
    return int(digits, 8) if reads_like_one else -1


OriginValue = Annotated[Origin, _text(parse_origin, Origin)]
RunServiceValue = Annotated[RunService, _text(parse_run_service, RunService)]
Tag = Annotated[str, _text(parse_tag)]
ListenValue = Annotated[Listen, _text(parse_listen, Listen), Before(_listen_value)]
AdminValue = Annotated[AdminSpec, _text(parse_admin, AdminSpec), Before(_admin_value)]
CredentialsValue = Annotated[CredentialsSpec, _text(parse_credentials, CredentialsSpec)]
SecretRefValue = Annotated[SecretRef, _text(parse_secret_ref, SecretRef)]
LocalSecretValue = Annotated[SecretRef, _text(parse_local_secret_ref, SecretRef)]
EgressValue = Annotated[EgressSpec, _text(parse_egress, EgressSpec)]
NetworkValue = Annotated[Network, _each(parse_network_of_clients, IPv4Network, IPv6Network)]
FileValue = Annotated[Path, _text(parse_file, Path)]
HeaderName = Annotated[str, _text(parse_header_name)]
KeyHeaderName = Annotated[str, _text(parse_key_header)]
HostName = Annotated[str, _each(parse_host_name)]
ServiceName = Annotated[str, _text(parse_service_name)]
ListenerName = Annotated[str, _text(partial(parse_name, what="listener"))]
KeyName = Annotated[str, _text(partial(parse_name, what="key"))]
PathPrefix = Annotated[str, _text(parse_path_prefix)]
Audience = Annotated[str, _text(parse_audience)]
Email = Annotated[str, _text(parse_email)]
Networks = Annotated[tuple[NetworkValue, ...], Before(_listed)]
WebOrigins = Annotated[tuple[Annotated[str, _each(parse_web_origin)], ...], Before(_listed)]
Origins = Annotated[tuple[Annotated[Origin, _each(parse_origin, Origin)], ...], Before(_listed)]
HeaderLines = Annotated[
    tuple[Annotated[tuple[str, str], _text(parse_header_line, tuple)], ...],
    Before(_lines),
]
SecretHeaders = Annotated[
    tuple[Annotated[tuple[str, SecretRef], _text(parse_secret_header, tuple)], ...],
    Before(_lines),
]
PathPrefixes = Annotated[tuple[Annotated[str, _each(parse_path_prefix)], ...], Before(_listed)]
RemovedHeaders = Annotated[tuple[Annotated[str, _text(parse_removed_header)], ...], Before(_listed)]
Methods = Annotated[
    tuple[Annotated[str, _each(parse_method)], ...],
    Before(_spell_out),
    Before(_listed),
]
Digests = Annotated[tuple[Annotated[str, _text(_digest)], ...], Before(_listed)]
ServiceNames = Annotated[tuple[ServiceName, ...], Before(_listed)]
HostNames = Annotated[tuple[HostName, ...], Before(_listed)]
Emails = Annotated[tuple[Email, ...], Before(_listed)]
Listens = Annotated[tuple[ListenValue, ...], Before(_not_empty), Before(_listed)]
Uids = Annotated[tuple[Annotated[int, Before(_uid)], ...], Before(_listed)]
FileMode = Annotated[int, Before(_mode)]
Count = Annotated[int, _amount(parse_count)]
Workers = Annotated[int | Literal["auto"], Before(parse_workers)]
Bytes = Annotated[int, _amount(parse_bytes)]
Seconds = Annotated[float, _amount(parse_seconds)]
Rate = Annotated[float, _amount(parse_rate)]
Share = Annotated[float, _amount(parse_share)]
ProjectId = Annotated[str, _text(parse_project)]
TlsVersion = Annotated[Literal["1.2", "1.3"], _one_of("1.2", "1.3"), Before(_version)]
ProxyLocal = Annotated[Literal["health", "forward"], _one_of("health", "forward")]
ReloadWhen = Annotated[Literal["on-request", "on-change"], _one_of("on-request", "on-change")]
TokenKind = Annotated[Literal["identity", "access"], Before(_token_kind)]
Scope = Annotated[str, _text(parse_scope)]
Scopes = Annotated[tuple[Scope, ...], Before(_not_empty), Before(_listed)]
ForwardedHost = Annotated[Literal["service", "client"], _one_of("service", "client")]
Switch = Annotated[Literal["auto", "on", "off"], _one_of("auto", "on", "off"), Before(_switch)]
SecretNames = Annotated[tuple[Annotated[str, _text(parse_secret_name)], ...], Before(_listed)]
LogFormat = Annotated[Literal["auto", "text", "json"], _one_of("auto", "text", "json")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], _one_of("debug", "info", "warning", "error")
]
