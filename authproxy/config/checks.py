"""What no value shows on its own: settings that contradict each other or what is there.

Each check gets the whole draft and yields problems; add one to CHECKS and it runs.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path as FilePath

from authproxy.config.access import check_keys, check_lists, check_proxies
from authproxy.config.certificates import KeyFileError, load_authorities, load_pair
from authproxy.config.credential_checks import (
    check_access_tokens,
    check_addresses,
    check_headers,
    check_impersonation,
    check_secret_manager,
)
from authproxy.config.dangers import check_forwarded, check_secret_files
from authproxy.config.egress import EgressError, find_egress
from authproxy.config.entries import Entries, get_nearest
from authproxy.config.files import is_stream, mark, read_bytes
from authproxy.config.keys import Path
from authproxy.config.secrets import resolve_secret
from authproxy.errors import Problem, StartError
from authproxy.settings import ListenerSettings, ServiceSettings, Settings
from authproxy.values import Listen, SecretRef, did_you_mean

MAX_KEY_FILE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Valid settings with the entries they were made from, invalid ones included."""

    settings: Settings
    entries: Entries
    environ: Mapping[str, str]

    def services(self) -> Iterator[tuple[Path, ServiceSettings]]:
        for name, service in self.settings.services.items():
            yield ("services", name), service

    def listeners(self) -> Iterator[tuple[Path, int | None, ListenerSettings]]:
        """Each with its path, and its place in the list if it stands in one."""
        every = self.settings.every_listener
        for index, listener in enumerate(every[: len(self.settings.listen)]):
            yield ("listen",), index, listener
        for name, listener in self.settings.listeners.items():
            yield ("listeners", name, "listen"), None, listener

    def problem(self, path: Path, message: str, *, index: int | None = None) -> Problem:
        """At the entry for `path`, else at what the service was first named with."""
        return get_nearest(self.entries, path).problem(message, index=index)


def check(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with the draft as a whole."""
    return chain.from_iterable(one(draft) for one in CHECKS)


def _open_listener(draft: Draft) -> Iterator[Problem]:
    """A service's own `allow` does not help: the listener is asked first."""
    if ("allow",) in draft.entries or ("allow_file",) in draft.entries or draft.settings.keys:
        return
    for path, index, listener in draft.listeners():
        listen = listener.listen
        if not (listen.is_loopback or listener.allow or listener.allow_file):
            yield draft.problem(
                path,
                f"{listen} can be reached from other machines, and nothing says which of them may"
                f' use it; write allow = ["10.0.0.0/8"] or --allow 10.0.0.0/8 with your clients\''
                f" addresses, or listen on this machine only: --listen localhost:{listen.port}",
                index=index,
            )


def _nobody_allowed(draft: Draft) -> Iterator[Problem]:
    entry = draft.entries.get(("allow",))
    if entry is not None and entry.value == []:
        yield entry.problem(
            "is empty, so that nobody could connect; leave it out to allow this machine only, or"
            ' write allow = ["10.0.0.0/8"] with your clients\' addresses'
        )


def _same_listener(draft: Draft) -> Iterator[Problem]:
    seen: dict[tuple[str, int | None], Listen] = {}
    for path, index, listener in draft.listeners():
        listen = listener.listen
        is_free = listen.port == 0 and listen.inherited is None
        ours = [] if is_free else _addresses(listen)
        other = next((seen[address] for address in ours if address in seen), None)
        if other is not None:
            same = "is listed twice" if other == listen else f"is a part of {other}"
            yield draft.problem(path, f"{listen} {same}; remove one of them", index=index)
        seen.update(dict.fromkeys(ours, listen))


def _addresses(listen: Listen) -> list[tuple[str, int | None]]:
    if listen.inherited is not None:
        return [(str(listen), None)]
    if listen.path is not None:
        return [(f"unix:{listen.path}", None)]
    hosts = ["127.0.0.1", "::1"] if listen.host == "localhost" else [listen.host]
    return [(host, listen.port) for host in hosts]


def _same_host(draft: Draft) -> Iterator[Problem]:
    owners = {f"{name}.localhost": name for name in draft.settings.services}
    for path, service in draft.services():
        for index, host in enumerate(service.hosts):
            owner = owners.setdefault(host, path[1])
            if owner != path[1]:
                yield draft.problem(
                    (*path, "hosts"),
                    f'"{host}" already leads to the service "{owner}"; a name can lead to one only',
                    index=index,
                )


def _same_path(draft: Draft) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for path, service in draft.services():
        if service.path is not None:
            owner = owners.setdefault(service.path, path[1])
            if owner != path[1]:
                yield draft.problem(
                    (*path, "path"),
                    f'"{service.path}" already leads to the service "{owner}"; a path can lead to'
                    " one only",
                )
        elif service.strip_path:
            yield draft.problem((*path, "strip_path"), "there is no path to strip; add path")


def _unknown_service(draft: Draft) -> Iterator[Problem]:
    known = draft.settings.services
    for name, listener in draft.settings.listeners.items():
        if listener.service is not None and listener.service not in known:
            yield draft.problem(
                ("listeners", name, "service"),
                f'there is no service "{listener.service}"'
                f"{did_you_mean(listener.service, known)}; there are {', '.join(known)}",
            )


def _token_in_clear(draft: Draft) -> Iterator[Problem]:
    for path, service in draft.services():
        is_remote = service.url.scheme == "http" and not service.url.is_loopback
        if is_remote and service.secrets:
            yield draft.problem(
                (*path, "url"),
                f"{service.url} would get its key unencrypted, for all on the way to read; write"
                f" https://{service.url.host}",
            )
        elif is_remote and service.credentials.kind != "none":
            yield draft.problem(
                (*path, "url"),
                f"{service.url} would get its token unencrypted, for all on the way to read; write"
                f' https://{service.url.host}, or credentials = "none" if it needs no token',
            )


def _egress(draft: Draft) -> Iterator[Problem]:
    """What is wrong in HTTPS_PROXY is said once, however many services it is for."""
    for path, service in draft.services():
        own = (*path, "egress_proxy")
        at = own if own in draft.entries else ("egress_proxy",)
        try:
            find_egress(service, draft.settings, draft.environ)
        except EgressError as error:
            if error.key in draft.environ:
                yield Problem(where="environment", key=error.key, message=str(error))
            else:
                yield draft.problem(at, str(error))
        except StartError as error:
            yield draft.problem(at, str(error))


def _certificates(draft: Draft) -> Iterator[Problem]:
    """Certificates to show, each with its key: to clients, and to each service."""
    settings = draft.settings
    yield from _pair(draft, ("tls_cert_file",), settings.tls_cert_file, settings.tls_key_file)
    for path, service in draft.services():
        files = service.client_cert_file, service.client_key_file
        yield from _pair(draft, (*path, "client_cert_file"), *files)


def _pair(
    draft: Draft, path: Path, cert: FilePath | None, key: FilePath | None
) -> Iterator[Problem]:
    key_path = (*path[:-1], path[-1].replace("cert", "key"))
    if cert is None:
        if key is not None:
            yield draft.problem(key_path, f"is a key without a certificate; add {path[-1]}")
        return
    try:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), cert, key)
    except KeyFileError as error:
        yield draft.problem(key_path if key is not None else path, str(error))
    except ValueError as error:
        yield draft.problem(path, str(error))


def _unreadable(draft: Draft) -> Iterator[Problem]:
    """A token file is not looked at: the program that writes it may start after us."""
    for path, service in draft.services():
        for key, look in _LOOKS.items():
            try:
                look(service, draft.environ)
            except (ValueError, StartError) as error:
                yield draft.problem((*path, key), str(error))


def _look_at_credentials(service: ServiceSettings, environ: Mapping[str, str]) -> None:
    kind, value = service.credentials.kind, service.credentials.value
    # What is missing may be mounted later: requests get 503 with its name until it is there.
    if kind == "file" and mark(FilePath(value)) and not is_stream(FilePath(value)):
        read_bytes(FilePath(value), at_most=MAX_KEY_FILE)
    if kind == "token-env" and not environ.get(value):
        raise ValueError(f"the environment variable {value} is not set")


def _look_at_key(service: ServiceSettings, environ: Mapping[str, str]) -> None:
    if service.api_key is not None:
        _look_at_secret(service.api_key, environ)


def _look_at_headers(service: ServiceSettings, environ: Mapping[str, str]) -> None:
    for _, ref in service.secret_headers:
        _look_at_secret(ref, environ)


def _look_at_secret(ref: SecretRef, environ: Mapping[str, str]) -> None:
    """Not at Secret Manager's: what is wrong there may be over in a moment."""
    is_used_up = ref.kind == "file" and is_stream(FilePath(ref.value))
    if ref.kind != "secret" and not is_used_up:
        resolve_secret(ref, environ)


def _look_at_certificates(service: ServiceSettings, _: Mapping[str, str]) -> None:
    if service.ca_file is not None:
        load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), service.ca_file)


_LOOKS: Mapping[str, Callable[[ServiceSettings, Mapping[str, str]], None]] = {
    "credentials": _look_at_credentials,
    "api_key": _look_at_key,
    "secret_headers": _look_at_headers,
    "ca_file": _look_at_certificates,
}

CHECKS: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    _open_listener,
    _nobody_allowed,
    _same_listener,
    _same_host,
    _same_path,
    check_lists,
    check_keys,
    check_proxies,
    _unknown_service,
    _token_in_clear,
    check_addresses,
    check_impersonation,
    check_access_tokens,
    check_headers,
    check_secret_manager,
    _egress,
    _certificates,
    _unreadable,
    check_secret_files,
    check_forwarded,
)
