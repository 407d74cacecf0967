"""Address of the collector of traces, by OpenTelemetry's variables; without its library."""

from collections.abc import Mapping
from urllib.parse import urlsplit

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
USUAL_ENDPOINT = "http://localhost:4318"


def find_collector(environ: Mapping[str, str]) -> str:
    """Where spans are sent, without what may be a key: user, path and query."""
    named = (environ.get(name, "").strip() for name in ENDPOINTS)
    try:
        parts = urlsplit(next(filter(None, named), USUAL_ENDPOINT))
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}"
    except ValueError:
        return ""
