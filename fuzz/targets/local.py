"""What the machine says: systemd, files of other processes, the command line, an admin listener."""

import os
import tempfile
from pathlib import Path

from authproxy.admin_file import find_folder, read_all, read_own
from authproxy.commands.doctor.http_probe import parse
from authproxy.commands.tail.following import EventParser
from authproxy.errors import StartError, UpstreamError
from authproxy.exec.placeholders import Variable
from authproxy.wire.listening.systemd import inherited_sockets
from fuzz.targets.target import Target, holds, may_raise, pieces, same, text

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
_ENVIRON = {"XDG_RUNTIME_DIR": _FOLDER.name}
_NO_DESCRIPTOR = 1 << 20


def systemd(data: bytes) -> None:
    """`COUNT NAMES`, none of which is there."""
    count, _, names = text(data).partition(" ")
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": names}
    for name in ("", "web"):
        with may_raise(StartError):
            inherited_sockets(name, environ, first=_NO_DESCRIPTOR)
            holds(count.strip("0") == "", "a socket that nobody has opened")


def admin_files(data: bytes) -> None:
    folder = find_folder(_ENVIRON)
    folder.mkdir(mode=0o700, exist_ok=True)
    Path(folder, f"{os.getpid()}.admin").write_bytes(data)
    own = read_own(_ENVIRON)
    same([own] if own is not None else [], read_all(_ENVIRON), "what all have written")


def exec_variables(data: bytes) -> None:
    with may_raise(ValueError):
        found = Variable.parse(text(data))
        holds("=" not in found.name and found.name, "a variable without a name")


def tailed(data: bytes) -> None:
    """The same in one piece and in many."""
    same(_tailed([data]), _tailed(pieces(data)), "events in one piece and in many")


def _tailed(parts: list[bytes]) -> object:
    parser = EventParser()
    try:
        return [event for part in parts for event in parser.feed(part)], parser.status
    except ConnectionError:
        return None


def probes(data: bytes) -> None:
    with may_raise(UpstreamError):
        found = parse(data, "https://a.example")
        holds(found.body in data or b"chunked" in data.lower(), "a body that nobody has sent")


_ANSWER = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
TARGETS = {
    "systemd": Target(
        play=systemd,
        modules=("wire.listening.systemd",),
        seeds=(b"1 web", b"2 web:admin", b"0 ", b"9" * 5000, b"9" * 12, "٣ web".encode()),
    ),
    "admin_files": Target(
        play=admin_files,
        modules=("admin_file",),
        seeds=(b"http://127.0.0.1:4040\nkey\n", b"unix:/run/a\n", b"\xff\nb\n", b""),
    ),
    "exec_variables": Target(
        play=exec_variables,
        modules=("exec.placeholders",),
        seeds=(b"API_URL", b"API={url}/v1", b"A={{url}}", b"1A={url}"),
    ),
    "tail": Target(
        play=tailed,
        modules=("commands.tail.following",),
        seeds=(
            _ANSWER + b'event: row\ndata: {"a": 1}\n\n: ping\n\ndata: []\n\n',
            b"HTTP/1.0 401 no\r\n\r\n",
            _ANSWER + b"data: " + b"[" * 5000 + b"\n\n",
        ),
    ),
    "doctor_probes": Target(
        play=probes,
        modules=("commands.doctor.http_probe",),
        seeds=(
            b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody",
            b"HTTP/1.1 999999999999999999\r\n\r\n",
            b"x",
        ),
    ),
}
