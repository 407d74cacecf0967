"""Streams of the log: stderr, or a file with what concerns the file itself on stderr."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from authproxy.errors import StartError
from authproxy.exchange import Observer
from authproxy.observe import logs
from authproxy.observe.log_file import LogFile
from authproxy.observe.stream import LogStream, Send, open_stream
from authproxy.observe.trace_context import FindTrace, trace_of_client
from authproxy.settings import Settings

PATIENCE_S = 1.0
"""How long the last lines have to get out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutput:
    """The streams of a run."""

    stderr: LogStream
    """For the ready lines, which programs wait for, and for what is wrong with the file."""
    log: LogStream
    format: logs.Format
    reopen: Callable[[], None]
    """The log file may have been moved away."""

    def drain(self) -> None:
        """The end of the program: what still waits has its last chance."""
        self.log.drain(PATIENCE_S)
        if self.stderr is not self.log:
            self.stderr.drain(PATIENCE_S)


def open_log(settings: Settings, whole: Callable[[Send], Send] = lambda send: send) -> LogOutput:
    """Open it and send authproxy's log there. Raises StartError.

    `whole` keeps lines whole where other processes write to the same place.
    """
    stderr = open_stream(sys.stderr, whole)
    if settings.log.file is None:
        log_format = logs.choose_format(settings.log.format, sys.stderr)
        output = LogOutput(stderr=stderr, log=stderr, format=log_format, reopen=_nothing_to_do)
    else:
        output = _open_file(settings, stderr, whole)
    logs.configure(settings.log.level, output.format, output.log, levels_of_services(settings))
    return output


def _open_file(settings: Settings, stderr: LogStream, whole: Callable[[Send], Send]) -> LogOutput:
    path = settings.log.file
    assert path is not None  # noqa: S101 -- for the type checker: it was looked at

    def complain(text: str) -> None:
        stderr.write(f"authproxy: {text}\n")
        stderr.flush()

    try:
        file = LogFile(path, complain)
    except OSError as error:
        raise StartError(
            f"cannot open the log file {path}: {error.strerror}",
            hint="Its directory must exist, and authproxy must be allowed to write there.",
        ) from None
    return LogOutput(
        stderr=stderr,
        log=LogStream(whole(file)),
        format=logs.choose_format(settings.log.format, None),
        reopen=file.reopen,
    )


def _nothing_to_do() -> None:
    """stderr is not ours to open anew."""


def levels_of_services(settings: Settings) -> dict[str, str]:
    """Of those that have one of their own."""
    return {name: each.log for name, each in settings.services.items() if each.log is not None}


def access_log(
    settings: Settings, output: LogOutput, trace_of: FindTrace = trace_of_client
) -> list[Observer]:
    """The observer that writes a line for each exchange, if it is wanted."""
    log = settings.log
    if not log.access:
        return []
    from authproxy.observe.access_lines import Style
    from authproxy.observe.access_log import AccessLog, Choice

    style = Style(
        user_agent=log.user_agent,
        trace_project=log.trace_project or "",
        is_tls=settings.tls_cert_file is not None,
    )
    choice = Choice(share=log.sample, slow_s=log.slow, levels=levels_of_services(settings))
    return [
        AccessLog(output.log, output.format, style=style, choice=choice, trace_of=trace_of),
    ]
