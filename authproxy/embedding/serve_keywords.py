"""The settings of `serve`: those of the configuration, by name. How they are written is the same.

A test compares these names with the models in `authproxy.settings`.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from os import PathLike
from typing import Any, TypedDict

File = str | PathLike[str]
Words = str | Sequence[str]
Networks = str | Sequence[str | IPv4Network | IPv6Network]
Seconds = float | str
Table = Mapping[str, Any]


class _OfServices(TypedDict, total=False):
    """Settings of services alone: a keyword of this kind is for every service."""

    tag: str
    other_urls: Words
    audience: str
    token_header: str
    token: str
    scopes: Words
    credentials: str
    impersonate: str
    delegates: Words
    api_key: str
    api_key_header: str
    secret_headers: Words
    add_headers: Words
    remove_headers: Words
    methods: Words
    deny_methods: Words
    paths: Words
    deny_paths: Words
    path: str
    strip_path: bool
    forwarded_host: str
    ca_file: File
    client_cert_file: File
    client_key_file: File
    tls_min_version: str
    record_bodies: bool
    mcp: bool
    connect_timeout: Seconds
    first_byte_timeout: Seconds
    stream_idle_timeout: Seconds
    total_timeout: Seconds


class _OfBoth(TypedDict, total=False):
    """Settings that the proxy and a service have: a keyword of this kind is the proxy's."""

    hosts: Words
    allow: Networks
    allow_file: File
    deny: Networks
    deny_file: File
    allow_origins: Words
    egress_proxy: str


class Service(_OfServices, _OfBoth, total=False):
    """Table of one of several services, with settings of its own."""

    url: str
    service: str


class Keywords(_OfServices, _OfBoth, total=False):
    """Settings, all but those of the log, which is the program's own."""

    listen: Words
    trusted_proxies: Networks
    health_path: str
    admin: str
    admin_allow: Networks
    admin_key: str
    admin_quit: bool
    tls_cert_file: File
    tls_key_file: File
    key_header: str
    keys: Mapping[str, Table]
    listeners: Mapping[str, Table]
    traces: Table
    inspect: Table
    authorizer: Table
    limits: Table
    timeouts: Mapping[str, Seconds]


NOT_HERE = {
    "log": "the program's own logging has authproxy's lines, of the logger \"authproxy\";"
    " leave this out",
    "reload": "there is no file to watch; leave the block and enter another one",
    "workers": "a proxy in a program is one process; leave this out",
}
"""Settings that have no effect in a program, and why."""
