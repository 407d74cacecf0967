"""All checks of settings against each other, and against files and the environment.

Each check gets the whole draft and yields problems; add one to CHECKS and it runs.
"""

import os
import shlex
import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path as FilePath

from authproxy.config.checks.access import check_keys, check_lists, check_proxies
from authproxy.config.checks.admin import check_admin
from authproxy.config.checks.authorizer_places import check_authorizer
from authproxy.config.checks.credentials import (
    check_access_tokens,
    check_addresses,
    check_headers,
    check_impersonation,
    check_secret_manager,
)
from authproxy.config.checks.draft import Draft
from authproxy.config.checks.exposure import check_forwarded, check_secret_files
from authproxy.config.checks.key_rights import check_key_rights
from authproxy.config.checks.limits import check_limits
from authproxy.config.checks.listeners import check_listeners
from authproxy.config.checks.reach import check_reach
from authproxy.config.checks.rules import check_rules
from authproxy.config.checks.services import check_services
from authproxy.config.files.certificates import KeyFileError, load_authorities, load_pair
from authproxy.config.files.reading import is_stream, mark, read_bytes
from authproxy.config.files.secrets import resolve_secret
from authproxy.config.readers.egress_proxy import EgressError, find_egress
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem, StartError
from authproxy.settings import ServiceSettings
from authproxy.values import SecretRef, quoted

MAX_KEY_FILE = 64 * 1024


def check(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with the draft as a whole."""
    return chain.from_iterable(one(draft) for one in CHECKS)


def _token_in_clear(draft: Draft) -> Iterator[Problem]:
    for path, service in draft.services():
        is_remote = service.url.scheme == "http" and not service.url.is_loopback
        if is_remote and service.secrets:
            yield draft.problem(
                (*path, "url"),
                f"{service.url} would get its key unencrypted, and others on the network could"
                " read it; write"
                f" https://{service.url.host}",
            )
        elif is_remote and service.credentials.kind != "none":
            yield draft.problem(
                (*path, "url"),
                f"{service.url} would get its token unencrypted, and others on the network could"
                " read it; write"
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


def _twice(draft: Draft) -> Iterator[Problem]:
    """What stands in a list twice was perhaps meant to be something else."""
    for path, entry in draft.entries.items():
        seen: set[str] = set()
        for index, text in enumerate(draft.texts(path) if isinstance(entry.value, list) else ()):
            word = text.strip().lower()
            if word in seen and path[-1] not in ("listen", "secret_headers", "sha256"):
                yield draft.warning(path, f"{quoted(text)} is there twice", index=index)
            seen.add(word)


def _missing_program(draft: Draft) -> Iterator[Problem]:
    """It may be installed later, and then the next try finds it."""
    for path, service in draft.services():
        if service.credentials.kind == "command":
            program = shlex.split(service.credentials.value)[0]
            if shutil.which(program, path=draft.environ.get("PATH", os.defpath)) is None:
                yield draft.warning(
                    (*path, "credentials"), f"there is no program {quoted(program)} on PATH"
                )


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
    check_listeners,
    check_admin,
    check_authorizer,
    check_services,
    check_rules,
    check_lists,
    check_keys,
    check_key_rights,
    check_proxies,
    check_reach,
    check_limits,
    _token_in_clear,
    check_addresses,
    check_impersonation,
    check_access_tokens,
    check_headers,
    check_secret_manager,
    _egress,
    _certificates,
    _unreadable,
    _missing_program,
    _twice,
    check_secret_files,
    check_forwarded,
)
