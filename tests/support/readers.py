"""How servers read a path: Node's `URL` and what is done with it, nginx, aiohttp, and Tomcat's way.

Each reader takes what stands in a request line, without the query, and gives all that the server,
or an application in it, may take it for.
"""

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote_to_bytes

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser
from hypothesis import strategies as st

from authproxy.errors import Refused
from authproxy.policy.access.permissions import Permissions

PIECES = (
    *(
        "/",
        "/",
        "//",
        "\\",
        "/./",
        "/../",
        "/..",
        "..",
        ".",
        "/admin",
        "admin",
        "Admin",
        "/pub",
        "x",
    ),
    *(";", ";a=b", "..;", "%2f", "%2F", "%5c", "%2e", "%2E%2e", "%3b", "%61dmin", "%41", "%25"),
    *("%2561", "%252e", "%252f", "%253b", "2f", "2e", "%20", "%3f", "%23", "%40", "%", "%2", ":"),
    *("@", "//h", "%c3%a9", "\xe9", "%ef%bc%8f", "%ef%bc%8e", "%e2%80%a5"),
)
PATHS = st.builds(
    lambda begin, pieces: (begin + "".join(pieces)).encode("latin-1"),
    st.sampled_from(("/", "/pub", "/pub/", "/x/")),
    st.lists(st.sampled_from(PIECES), max_size=9),
)
"""Paths made of what servers read in different ways; many lead to `/admin` for one of them."""


def read_as_aiohttp(path: bytes) -> list[bytes]:
    """What its parser makes of a request line, and what its static files are found by."""
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(BaseProtocol(loop), loop, 65536)
    try:
        messages, _, _ = parser.feed_data(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % path)
    except HttpProcessingError:
        return []
    url = messages[0][0].url
    texts = [url.raw_path, url.path, url.path_safe, normpath(url.path)]
    return [text.encode("utf-8", "surrogateescape") for text in texts]


def read_as_tomcat(path: bytes) -> list[bytes]:
    """After CoyoteAdapter.postParseRequest: parameters go, then %xx, then `//`, `.` and `..`.

    With an encoded slash decoded and left as it is, and with a backslash taken for one, as each can
    be configured.
    """
    bare = re.sub(rb";[^/]*", b"", path)
    kept = re.sub(rb"(?i)%2f", b"%252f", bare)
    decoded = [unquote_to_bytes(bare), unquote_to_bytes(kept)]
    decoded += [each.replace(b"\\", b"/") for each in decoded]
    return [each for each in map(_normal, decoded) if each is not None]


def _normal(path: bytes) -> bytes | None:
    """As Tomcat's RequestUtil.normalize: None for what leads above the root."""
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            if not parts:
                return None
            parts.pop()
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/" + b"/".join(parts)


_NODE = """
const path = require('node:path'), url = require('node:url')
const windows = (text) => path.win32.normalize(text).replaceAll('\\\\', '/')
const attempt = (read) => { try { return [read()] } catch { return [] } }
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const target = JSON.parse(line)
  const found = [
    ...attempt(() => new URL(target, 'http://base').pathname),
    ...attempt(() => new URL('http://base' + target).pathname),
    ...attempt(() => url.parse(target).pathname ?? '/'),
    ...attempt(() => url.parse(target, false, true).pathname ?? '/'),
    ...attempt(() => target.split('?')[0]),
  ]
  for (const each of [...found]) {
    const decoded = [...attempt(() => decodeURIComponent(each)), ...attempt(() => decodeURI(each))]
    for (const text of [...decoded]) {
      found.push(text, path.posix.normalize(text), windows(text))
      found.push(...attempt(() => new URL(text, 'http://base').pathname))
    }
  }
  console.log(JSON.stringify(found))
})
"""


class Node:
    """One process for all questions."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def read(self, path: bytes) -> list[bytes]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(path.decode("latin-1")) + "\n")
        stdin.flush()
        return [text.encode("utf-8", "surrogatepass") for text in json.loads(stdout.readline())]


@contextmanager
def node() -> Iterator[Node]:
    program = shutil.which("node")
    if program is None:
        pytest.fail("needs nodejs; .ci/run installs it")
    pipe = subprocess.PIPE
    with subprocess.Popen([program, "-e", _NODE], stdin=pipe, stdout=pipe, text=True) as process:
        yield Node(process)
        assert process.stdin is not None
        process.stdin.close()


_NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ }}
http {{
  access_log off; keepalive_requests 1000000; default_type text/plain;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen unix:{folder}/merging; location / {{ return 200 "$uri"; }} }}
  server {{
    listen unix:{folder}/not-merging; merge_slashes off; location / {{ return 200 "$uri"; }}
  }}
}}
"""


class Nginx:
    """As it is, and with `merge_slashes off`."""

    def __init__(self, folder: Path) -> None:
        self._paths = [str(folder / name) for name in ("merging", "not-merging")]

    def read(self, path: bytes) -> list[bytes]:
        answers = [_ask(name, path) for name in self._paths]
        return [answer for answer in answers if answer is not None]


def _ask(socket_path: str, path: bytes) -> bytes | None:
    """What nginx makes of `path`; None when it refuses it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect(socket_path)
        connection.sendall(b"GET %b HTTP/1.0\r\nHost: h\r\n\r\n" % path)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    return body if head.split(b" ")[1] == b"200" else None


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.fail("needs nginx; .ci/run installs it")
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder))
    with subprocess.Popen([program, "-c", config, "-e", folder / "error.log"]) as process:
        try:
            _wait_for(folder / "not-merging", process)
            yield Nginx(folder)
        finally:
            process.terminate()


def _wait_for(socket_path: Path, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(socket_path))
            return
    raise AssertionError("nginx did not start")


NO_ADMIN = Permissions(deny_paths=(b"/admin",))
PUBLIC_ONLY = Permissions(paths=(b"/pub",))


def check_rules(path: bytes, found: Sequence[bytes]) -> None:
    """No path passes that a server, which takes it for one of `found`, must not be asked for."""
    path = path.partition(b"?")[0]
    if passes(NO_ADMIN, path):
        reached = [each for each in found if _is_below(each.lower(), b"/admin")]
        assert not reached, f"{path!r} passes deny_paths and is read as {reached}"
    if passes(PUBLIC_ONLY, path):
        outside = [each for each in found if not _is_below(each, b"/pub")]
        assert not outside, f"{path!r} passes paths and is read as {outside}"


def passes(rules: Permissions, target: bytes) -> bool:
    try:
        rules.check(b"GET", target)
    except Refused:
        return False
    return True


def _is_below(path: bytes, folder: bytes) -> bool:
    """Whatever a file system or an application does with slashes and dots that are left over."""
    return re.match(rb"%b(?:/|\Z)" % folder, path) is not None
