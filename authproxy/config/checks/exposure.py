"""Checks for settings that work, and let others in on a secret or past a rule."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from authproxy.config.checks.draft import Draft
from authproxy.config.files.reading import is_stream, read_bytes, show_path
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.settings import ServiceSettings, Settings
from authproxy.system.offers import user_id
from authproxy.values import Network

MAX_CREDENTIALS = 256 * 1024
ON_CLOUD_RUN = "K_SERVICE"
"""A variable that is set there."""


def check_secret_files(draft: Draft) -> Iterator[Problem]:
    """As OpenSSH does: only the owner can mend it, so only the owner is told.

    Where a platform mounts secrets, they belong to somebody else or cannot be changed.
    """
    for path, index, file in _secret_files(draft):
        mode = open_mode(file)
        if mode is not None:
            yield draft.problem(
                path,
                f"{show_path(file)} can be read by every user of this machine (its mode is"
                f" {mode:04o}); run: chmod 600 {file}",
                index=index,
            )


def check_forwarded(draft: Draft) -> Iterator[Problem]:
    """Behind Cloud Run's front end every connection is the front end's."""
    settings = draft.settings
    is_open = not all(each.listen.is_loopback for each in settings.every_listener)
    if settings.trusted_proxies or not is_open or not draft.environ.get(ON_CLOUD_RUN):
        return
    rules: list[tuple[Path, Settings | ServiceSettings]] = [
        (("allow",), settings),
        (("deny",), settings),
    ]
    rules += [((*path, key), each) for path, each in draft.services() for key in ("allow", "deny")]
    for path, table in rules:
        networks = getattr(table, path[-1])
        if path in draft.entries and any(map(_is_about_clients, networks)):
            yield draft.problem(
                path,
                "has no effect on Cloud Run, where every connection comes from Google's front end;"
                " name its network in trusted_proxies (the access log shows its address), and"
                " X-Forwarded-For then says who the client is",
            )


def _is_about_clients(network: Network) -> bool:
    return network.prefixlen > 0 and not network.is_loopback


def _secret_files(draft: Draft) -> Iterator[tuple[Path, int | None, FilePath]]:
    settings = draft.settings
    for name, key in settings.keys.items():
        if key.file is not None:
            yield ("keys", name, "file"), None, key.file
    if settings.admin_key is not None and settings.admin_key.kind == "file":
        yield ("admin_key",), None, FilePath(settings.admin_key.value)
    yield from _key_of(("tls_cert_file",), settings.tls_cert_file, settings.tls_key_file)
    if settings.egress_proxy.kind == "file":
        yield ("egress_proxy",), None, FilePath(settings.egress_proxy.value)
    for path, service in draft.services():
        yield from _of_service(path, service)


def _of_service(
    path: Path, service: ServiceSettings
) -> Iterator[tuple[Path, int | None, FilePath]]:
    if service.api_key is not None and service.api_key.kind == "file":
        yield (*path, "api_key"), None, FilePath(service.api_key.value)
    for index, (_, ref) in enumerate(service.secret_headers):
        if ref.kind == "file":
            yield (*path, "secret_headers"), index, FilePath(ref.value)
    yield from _key_of(
        (*path, "client_cert_file"), service.client_cert_file, service.client_key_file
    )
    file = FilePath(service.credentials.value)
    if service.credentials.kind == "file" and _holds_secret(file):
        yield (*path, "credentials"), None, file


def _key_of(
    path: Path, cert: FilePath | None, key: FilePath | None
) -> Iterator[tuple[Path, int | None, FilePath]]:
    """A key of its own, or in the certificate's file."""
    if key is not None:
        yield (*path[:-1], path[-1].replace("cert", "key")), None, key
    elif cert is not None:
        yield path, None, cert


def _holds_secret(file: FilePath) -> bool:
    """A federation file says only where a token is to be had."""
    if is_stream(file):
        return False
    try:
        info = json.loads(read_bytes(file, at_most=MAX_CREDENTIALS))
    except (ValueError, RecursionError):
        return False
    return isinstance(info, Mapping) and info.get("type") != "external_account"


def is_read_only(file: FilePath) -> bool:
    """Whether nothing on its file system can be changed; raises OSError."""
    if not hasattr(os, "statvfs"):
        return False
    return bool(os.statvfs(file).f_flag & os.ST_RDONLY)


def open_mode(file: FilePath) -> int | None:
    """The mode of a file of ours that everybody can read, and that could be changed."""
    try:
        found, is_fixed = file.stat(), is_read_only(file)
    except (OSError, ValueError):
        return None
    is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == user_id()
    if not is_ours or is_fixed or not found.st_mode & stat.S_IROTH:
        return None
    return stat.S_IMODE(found.st_mode)
