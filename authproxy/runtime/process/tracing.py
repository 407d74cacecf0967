"""Switch for traces: by `traces` in the configuration and OpenTelemetry's variables."""

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from authproxy.errors import StartError
from authproxy.exchange import Observer
from authproxy.observe.collector_address import ENDPOINTS
from authproxy.observe.trace_context import FindTrace, trace_of_client
from authproxy.settings import Settings

if TYPE_CHECKING:
    from authproxy.observe.export import Export

logger = logging.getLogger(__name__)

EXPORTERS = ("otlp", "console")
INSTALL = "pip install '.[otel]' in a checkout of authproxy"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Observers of a run's traces, and the end of them."""

    observers: tuple[Observer, ...] = ()
    """To be told after all who ask for an exchange's trace."""
    trace_of: FindTrace = trace_of_client
    flush: Callable[[], None] = lambda: None
    """The end of the program: spans that still wait have their last chance."""


def open_tracing(settings: Settings, environ: Mapping[str, str]) -> Tracing:
    """By the configuration and the environment. Raises StartError."""
    export = find_export(settings, environ)
    if export is None:
        return Tracing()
    traces = export.traces(is_tls=settings.tls_cert_file is not None)
    return Tracing(observers=(traces,), trace_of=traces.trace_of, flush=export.flush)


def find_exporters(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What traces are sent by; nothing where they are switched off. Raises StartError."""
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if settings.traces.export == "off" or is_disabled:
        return ()
    named = _named(environ)
    is_asked = bool(named) or any(environ.get(name, "").strip() for name in ENDPOINTS)
    if named == ["none"] or not (is_asked or settings.traces.export == "on"):
        return ()
    for name in named:
        if name not in EXPORTERS:
            raise StartError(
                f"OTEL_TRACES_EXPORTER names {name!r}, which authproxy does not have",
                hint="It has otlp, console and none. A collector takes OTLP and passes it on.",
            )
    _check_protocol(environ)
    return tuple(dict.fromkeys(named)) or ("otlp",)


def _named(environ: Mapping[str, str]) -> list[str]:
    names = environ.get("OTEL_TRACES_EXPORTER", "").split(",")
    return [name.strip().lower() for name in names if name.strip()]


def _check_protocol(environ: Mapping[str, str]) -> None:
    """gRPC's port takes no HTTP, so nothing would ever arrive."""
    for name in PROTOCOLS:
        protocol = environ.get(name, "").strip().lower()
        if protocol:
            if protocol != "http/protobuf":
                raise StartError(
                    f"{name} is {protocol!r}, and authproxy sends traces by http/protobuf only",
                    hint="Set it to http/protobuf, and the endpoint to the collector's port for"
                    " that: 4318 for most.",
                )
            return


def find_export(
    settings: Settings,
    environ: Mapping[str, str],
    load: Callable[[str], ModuleType] = importlib.import_module,
) -> "Export | None":
    """Where traces go, if they are recorded. Raises StartError."""
    names = find_exporters(settings, environ)
    if not names:
        return None
    try:
        export = load("authproxy.observe.export")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        if settings.traces.export == "on":
            raise StartError(
                "traces need OpenTelemetry, which is not installed", hint=INSTALL
            ) from None
        logger.warning(
            "OTEL_… variables ask for traces, and OpenTelemetry is not installed: there will be"
            " none; run: %s",
            INSTALL,
        )
        return None
    try:
        made: Export = export.Export(names, environ)
    except ValueError as error:
        raise StartError(f"OpenTelemetry refuses one of its variables: {error}") from None
    return made
