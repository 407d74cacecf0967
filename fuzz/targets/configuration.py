"""What users write: files, variables, values."""

import json
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from authproxy.config.files.inbound_keys import read_keys
from authproxy.config.files.network_lists import read_networks
from authproxy.config.files.secrets import header_text
from authproxy.config.loading import load
from authproxy.config.readers import environment, keywords, toml
from authproxy.config.readers.service_names import split_name
from authproxy.config.readers.toml_positions import find_lines
from authproxy.errors import ConfigError
from authproxy.values import (
    addresses,
    credentials,
    egress,
    header_lines,
    methods,
    networks,
    paths,
    quantities,
    resources,
    web_origins,
    wording,
)
from authproxy.values import hosts as host_values
from fuzz.targets.target import Target, holds, may_raise, same, text

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")


def _file(data: bytes) -> Path:
    path = Path(_FOLDER.name) / "file"
    path.write_bytes(data)
    return path


def toml_file(data: bytes) -> None:
    """Entries, or problems with a place in the file."""
    path = _file(data)
    with may_raise(ConfigError):
        entries, problems = toml.read(path, where="here", key="--config")
        lines = data.count(b"\n") + 1
        for where in [*(each.where for each in entries), *(each.where for each in problems)]:
            line = where.rpartition(":")[2]
            holds(line.isdecimal() and 1 <= int(line) <= lines, f"{where} is no line of it")


def toml_lines(data: bytes) -> None:
    """Every key that tomllib finds has a line."""
    document = data.decode("utf-8", "replace").replace("\r\n", "\n")
    try:
        found = tomllib.loads(document)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    try:
        lines = find_lines(document)
    except RecursionError:  # the reader of files refuses it
        return
    for path in _paths(found, ()):
        holds(path in lines, f"{path} has no line")


def _paths(value: object, at: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    for name, each in inner:
        yield (*at, name)
        yield from _paths(each, (*at, name))


def variables(data: bytes) -> None:
    """Lines `NAME=value`: entries, and problems that do not repeat a value."""
    lines = (line.partition("=")[::2] for line in text(data).split("\n"))
    environ = {f"AUTHPROXY_{name}": value for name, value in lines if name}
    entries, problems = environment.read_variables(environ, [("services", "a", "url")])
    holds(all(entry.where == "environment" for entry in entries), "an entry from elsewhere")
    holds(all(problem.key in environ for problem in problems), "a problem with nothing")
    with may_raise(ValueError):
        environment.read_urls(environment.split_urls(text(data)), where="here", key="URL")


def service_names(data: bytes) -> None:
    word = text(data)
    name, url = split_name(word)
    holds(url in word and (name is None or name in word), "a name or an address that is not there")
    keywords.read(word, {}, "here")


def network_lists(data: bytes) -> None:
    with may_raise(ConfigError):
        found = read_networks(_file(data), key="allow_file", at_most=100)
        holds(len(found) <= 100, "more networks than may be")
        again = read_networks(_file("\n".join(map(str, found)).encode()), key="allow_file")
        same(found, again, "networks, written and read")


def inbound_keys(data: bytes) -> None:
    with may_raise(ConfigError):
        for key in read_keys(_file(data), "ci"):
            holds(len(key) >= 22 and key == key.strip(), "a key that is too short")


def secrets(data: bytes) -> None:
    with may_raise(ValueError):
        found = header_text(text(data), "the file")
        holds(found.isascii() and found.isprintable(), "what cannot stand in a field")


Parse = Callable[[str], object]
_NETWORKS: tuple[Parse, ...] = (networks.parse_network, networks.parse_network_of_clients)
_ADDRESSES: tuple[Parse, ...] = (
    addresses.parse_origin,
    addresses.parse_listen,
    addresses.parse_admin,
    addresses.parse_host_name,
    web_origins.parse_web_origin,
    egress.parse_egress,
    egress.parse_egress_url,
    host_values.split_authority,
    host_values.parse_port,
)
_QUANTITIES: tuple[Parse, ...] = (
    quantities.parse_seconds,
    quantities.parse_bytes,
    quantities.parse_rate,
    quantities.parse_share,
    quantities.parse_count,
    quantities.parse_workers,
)
_WORDS: tuple[Parse, ...] = (
    credentials.parse_credentials,
    credentials.parse_secret_ref,
    credentials.parse_local_secret_ref,
    credentials.parse_key_header,
    credentials.parse_header_name,
    credentials.parse_secret_header,
    credentials.parse_service_name,
    credentials.parse_audience,
    credentials.parse_scope,
    credentials.parse_email,
    credentials.parse_file,
    resources.parse_run_service,
    resources.parse_project,
    resources.parse_region,
    resources.parse_tag,
    resources.parse_secret_name,
    header_lines.parse_header_line,
    header_lines.parse_removed_header,
    header_lines.parse_secret_name,
    methods.parse_method,
    paths.parse_path_prefix,
    lambda written: wording.parse_path(written, "a.pem"),
)


def parsed(parsers: tuple[Parse, ...]) -> Callable[[bytes], None]:
    """A value, or a ValueError that says something and not too much."""

    def play(data: bytes) -> None:
        written = text(data)
        for parse in parsers:
            try:
                parse(written)
            except ValueError as error:
                said = str(error)
                holds(0 < len(said) < 2000 + 3 * len(data), f"it says {said!r:.200}")

    return play


_WITH_VALUE = (
    "listen = {value}\nadmin = {value}\nallow = {value}\nallow_origins = {value}\n"
    "egress_proxy = {value}\n[limits]\nbody_bytes = {value}\n[timeouts]\nhead = {value}\n"
    "[services.a]\nurl = {value}\nmethods = {value}\naudience = {value}\npath = {value}\n"
    "credentials = {value}\napi_key = {value}\nadd_headers = {value}\nimpersonate = {value}\n"
)


def settings(data: bytes) -> None:
    """A file with the same value everywhere: settings, or problems of one line each."""
    value = json.dumps(data.decode("utf-8", "replace"))
    path = _file(_WITH_VALUE.format(value=value).encode())
    try:
        load(urls=[], file=path, flags={}, environ={})
    except ConfigError as error:
        for problem in error.problems:
            holds(problem.message.isprintable(), f"a problem of two lines: {problem.message!r}")


def read_again(parse: Parse, play: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """`play`, and what was parsed and is written is parsed as the same."""

    def twice(data: bytes) -> None:
        play(data)
        with may_raise(ValueError):
            found = parse(text(data))
            same(found, parse(str(found)), "a value, written and parsed")

    return twice


TARGETS = {
    "toml_file": Target(
        play=toml_file,
        modules=("config.readers.toml",),
        seeds=(
            b'listen = 8081\n[services.a]\nurl = "https://a.example"\nallow = ["10.0.0.0/8"]\n',
            b"[services.a.b]\nx = 1\n[[keys]]\n",
            b"\xef\xbb\xbf[log]\r\nlevel = 3\r\n",
            b"a = " + b"[" * 3000 + b"]" * 3000,
            b"a = " + b"{ b = " * 3000,
        ),
    ),
    "toml_lines": Target(
        play=toml_lines,
        modules=("config.readers.toml_positions",),
        seeds=(
            b'a.b = 1\n[c."d e"]\nf = """x\n\\""" """\n[[g]]\nh = {i = [1, {j = 2}]}\n',
            b"'a' = 'b' # c\n[x]\ny = [\n 1, # two\n 2,\n]\nz = 1979-05-27T07:32:00Z\n",
        ),
    ),
    "variables": Target(
        play=variables,
        modules=("config.readers.environment",),
        seeds=(
            b"LISTEN=localhost:8080\nSERVICES_A_URL=https://a.example\nURL=a=https://b",
            b'TOKEN=x\nPORT=tcp://10.0.0.1:80\nSERVICE_HOST=1\nALLOW=["a"]\nHTTP_URL=1',
        ),
    ),
    "service_names": Target(
        play=service_names,
        modules=("config.readers.service_names", "config.readers.keywords"),
        seeds=(b"a=https://a.example", b"https://billing-abc123-ew.a.run.app", b"p/r/n"),
    ),
    "settings": Target(
        play=settings,
        modules=("config.loading",),
        seeds=(b"https://a.example", b"systemd:we\n\nb", b"/a", b"file:key", b"10MB", b"$HOME"),
    ),
    "network_lists": Target(
        play=network_lists,
        modules=("config.files.network_lists",),
        seeds=(b"10.0.0.0/8 # ours\n\n::1\n", b"10.0.0.1-10.0.0.9\n10.*\n", b"::ffff:1.2.3.4/120"),
    ),
    "inbound_keys": Target(
        play=inbound_keys,
        modules=("config.files.inbound_keys",),
        seeds=(b"a" * 43 + b"\n" + b"b" * 22, b"short\n", b"\xff"),
    ),
    "secrets": Target(
        play=secrets, modules=("config.files.secrets",), seeds=(b"key\r\n", b" key", b"a\nb")
    ),
    "networks": Target(
        play=read_again(networks.parse_network, parsed(_NETWORKS)),
        modules=("values.networks",),
        seeds=(
            b"10.0.0.1/8",
            b"fe80::1%eth0",
            b"::ffff:0:0/96",
            b"10.0.0.1 - 10.0.0.9",
            b"a.example",
        ),
    ),
    "addresses": Target(
        play=parsed(_ADDRESSES),
        modules=("values.addresses", "values.web_origins", "values.egress", "values.hosts"),
        seeds=(
            b"https://a.example:8443/b/",
            b"unix:@name",
            b"[::1]:8080",
            b"systemd:web",
            b"http://user:secret@proxy.example:3128",
            b"https://*.example",
            b"http://xn--.example:99999",
        ),
    ),
    "quantities": Target(
        play=parsed(_QUANTITIES),
        modules=("values.quantities",),
        seeds=(b"1h 30m", b"250ms", b"10MB", b"600/min", b"10%", b"9" * 400 + b"MB", b"4", b"auto"),
    ),
    "words": Target(
        play=parsed(_WORDS),
        modules=(
            "values.credentials",
            "values.resources",
            "values.header_lines",
            "values.methods",
            "values.paths",
            "values.wording",
        ),
        seeds=(
            b"file:~/key.json",
            b"secret:projects/p/secrets/s/versions/latest",
            b"X-A: b",
            b"project/europe-west1/name",
            b"read-only",
            b"/a/*",
            b"me@p.iam.gserviceaccount.com",
            b"command:sh -c 'x",
        ),
    ),
}
