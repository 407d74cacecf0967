"""One line for each exchange, when it ended; or for those that are worth one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from authproxy.errors import Code
from authproxy.exchange import Exchange
from authproxy.observe.access_lines import PLAIN, Style, render_json, render_text, severity
from authproxy.observe.logs import Format, is_below
from authproxy.observe.sampling import Sample
from authproxy.observe.stream import LogStream
from authproxy.observe.trace_context import FindTrace, trace_of_client
from authproxy.values import PROBE_HOST

_PROBE = PROBE_HOST.encode()
_PROBE_LINES = [b"Host: " + _PROBE, b"Connection: close"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Choice of the exchanges that get a line."""

    share: float = 1.0
    """Of the good answers; all others get one."""
    slow_s: float = 1.0
    """From here on a good answer is a slow one. Until its head: a long body is none."""
    levels: Mapping[str, str] | None = None
    """The least severity of a line, by service: `warning` leaves out what went well."""


EVERY_ONE = Choice()


class AccessLog:
    """An Observer that writes lines to a stream, those of one loop iteration at once."""

    def __init__(
        self,
        stream: LogStream,
        log_format: Format,
        *,
        style: Style = PLAIN,
        choice: Choice = EVERY_ONE,
        trace_of: FindTrace = trace_of_client,
    ) -> None:
        self._stream = stream
        self._render = render_json if log_format == "json" else render_text
        self._style = style
        self._sample = Sample(choice.share) if choice.share < 1 else None
        self._slow_s = choice.slow_s
        self._levels = choice.levels or {}
        self._needs_trace = log_format == "json" or self._sample is not None
        self._trace_of = trace_of
        self._is_waiting = False

    def exchange_ended(self, exchange: Exchange) -> None:
        if is_probe(exchange):
            return
        if self._levels:
            level = self._levels.get(exchange.service)
            if level is not None and is_below(severity(exchange), level):
                return
        trace = self._trace_of(exchange) if self._needs_trace else None
        share = 1.0
        if self._sample is not None and self._went_well(exchange):
            if not self._sample.takes(trace):
                return
            share = self._sample.share
        self._write(self._render(exchange, self._style, trace, share))

    def _went_well(self, exchange: Exchange) -> bool:
        return (
            severity(exchange) == "INFO"
            and 0 < exchange.status < 400
            and not exchange.aborted
            and not exchange.grpc_status
            and exchange.first_byte_s < self._slow_s
        )

    def _write(self, line: str) -> None:
        self._stream.write(line)
        if not self._is_waiting:
            self._is_waiting = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_waiting = False
        self._stream.flush()

    def __repr__(self) -> str:
        return f"<AccessLog to {self._stream}>"


def is_probe(exchange: Exchange) -> bool:
    """Whether it is a health check, `authproxy status` or a balancer's: every few seconds."""
    if exchange.host == _PROBE and _is_health_check(exchange):
        return True
    return exchange.code is Code.HEALTHY


def _is_health_check(exchange: Exchange) -> bool:
    """What `authproxy status` sends every few seconds from this machine, and nothing beside it."""
    head, client = exchange.head, exchange.client
    return (
        exchange.code in (Code.HOST_NOT_ALLOWED, Code.ADDRESS_NOT_ALLOWED)
        and (client is None or client.is_loopback)
        and (head.method, head.target) == (b"GET", b"/")
        and [line for _, _, line in head.headers] == _PROBE_LINES
    )
