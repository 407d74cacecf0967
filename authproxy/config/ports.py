"""Port of each listener: its own, else the one of --port, AUTHPROXY_PORT or PORT."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from authproxy.config.readers.entries import Entries
from authproxy.config.readers.environment import COMMAND_LINE, PORT, WHERE
from authproxy.errors import Problem
from authproxy.settings import Settings
from authproxy.values import DEFAULT_PORT, Listen

FLAG = "--port"
PLATFORMS = "PORT"
"""Set by Cloud Run and others: a wish that no listener need fulfil."""


_NO_PORT = "must be a number from 0 to 65535: the port to listen on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port with who said so."""

    text: str
    where: str
    key: str

    @property
    def number(self) -> int | None:
        text = self.text
        is_one = text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535
        return int(text) if is_one else None

    def problem(self, message: str) -> Problem:
        return Problem(where=self.where, key=self.key, message=message)


def find_port(flag: str | None, environ: Mapping[str, str]) -> Port | None:
    """The first that is said. What Kubernetes sets for a Service, a URL, is no port of ours."""
    said = [
        Port(text=flag.strip(), where=COMMAND_LINE, key=FLAG) if flag is not None else None,
        _variable(PORT, environ),
        _variable(PLATFORMS, environ),
    ]
    return next((each for each in said if each is not None), None)


def read_port(environ: Mapping[str, str]) -> tuple[int, list[Problem]]:
    """$PORT, which Cloud Run and others set; without it the default."""
    port = _variable(PLATFORMS, environ)
    if port is None:
        return DEFAULT_PORT, []
    number = port.number
    return (DEFAULT_PORT, [port.problem(_NO_PORT)]) if number is None else (number, [])


def with_ports(
    settings: Settings, entries: Entries, port: Port | None
) -> tuple[Settings, list[Problem]]:
    """The settings with a port for every listener that needs one.

    A port that somebody chose replaces the one of `listen` that a lower place has: flags beat
    variables, and those beat the file.
    """
    replaces = port is not None and port.key != PLATFORMS and _is_above(port, entries)
    takers = [each for each in settings.listen if _is_tcp(each) and (replaces or each.port is None)]
    waiting = [each.listen for each in settings.listeners.values() if _wants_port(each.listen)]
    number, problems = DEFAULT_PORT, []
    if port is not None and port.number is None and (takers or waiting or port.key != PLATFORMS):
        problems = [port.problem(_NO_PORT)]
    elif port is not None and port.number is not None:
        number = port.number
        if not takers and not waiting and port.key != PLATFORMS:
            problems = [port.problem(_no_effect(settings))]
    listen = tuple(
        replace(each, port=number) if each in takers else each for each in settings.listen
    )
    listeners = {
        name: each.model_copy(update={"listen": replace(each.listen, port=number)})
        if _wants_port(each.listen)
        else each
        for name, each in settings.listeners.items()
    }
    return settings.model_copy(update={"listen": listen, "listeners": listeners}), problems


def _no_effect(settings: Settings) -> str:
    first = next(iter(settings.every_listener), None)
    said = f"; {first.listen} has one of its own" if first and _is_tcp(first.listen) else ""
    return f"has no effect: no listener waits for a port{said}; remove one of them"


def _variable(name: str, environ: Mapping[str, str]) -> Port | None:
    text = environ.get(name, "").strip()
    return Port(text=text, where=WHERE, key=name) if text and "://" not in text else None


def _is_above(port: Port, entries: Entries) -> bool:
    """Whether the port was said in a higher place than `listen`."""
    entry = entries.get(("listen",))
    return entry is None or entry.where not in (port.where, COMMAND_LINE)


def _is_tcp(listen: Listen) -> bool:
    return listen.path is None and listen.inherited is None


def _wants_port(listen: Listen) -> bool:
    return _is_tcp(listen) and listen.port is None
