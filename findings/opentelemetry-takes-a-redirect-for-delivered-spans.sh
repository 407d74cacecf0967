#!/bin/sh
# OpenTelemetry's OTLP exporter for Python 1.45.2: a redirect counts as a delivery; spans are gone, in silence.
#
# What one would guess: an exporter follows a redirect, or fails and says so. The OTLP specification
# calls 2xx a success; a 302 to a sign-in page or from http to https has delivered nothing.
# What happens: the exporter does not follow (allow_redirects=False) and takes every status below 400
# for a success: SpanExportResult.SUCCESS, no retry, not a line in the log. With 400 it says FAILURE.
# Why it matters: an endpoint behind a sign-in (Identity-Aware Proxy answers 302), or behind a load
# balancer that sends http to https (301), loses all traces, and everything looks well. authproxy
# cannot see it either; docs/telemetry.md says to name the collector's own address.
# Seen with: opentelemetry-exporter-otlp-proto-http 1.45.2, opentelemetry-sdk 1.45.2, Python 3.11.
#   302: SUCCESS, 0 spans where it leads to, log: nothing
#   400: FAILURE, log: Failed to export spans batch code: 400, reason: Bad Request
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    'opentelemetry-sdk==1.45.2' 'opentelemetry-exporter-otlp-proto-http==1.45.2'
cat >"$work/try.py" <<'PYTHON'
import http.server
import logging
import sys
import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

arrived = []


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Sends /302/… elsewhere, refuses /400/…, and takes what comes to /there."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/there":
            arrived.append(1)
        status = 200 if self.path == "/there" else int(self.path.split("/")[1])
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/there")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Heard(logging.Handler):
    lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


logging.getLogger().addHandler(Heard())
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("try")
with tracer.start_as_current_span("GET") as span:
    pass
results = {}
for status in (302, 400):
    Heard.lines.clear()
    url = f"http://127.0.0.1:{server.server_port}/{status}/v1/traces"
    result = OTLPSpanExporter(endpoint=url).export([span])
    results[status] = (result, list(Heard.lines))
    print(f"{status}: {result.name}, log: {'; '.join(Heard.lines) or 'nothing'}")
print(f"spans where the redirect leads to: {len(arrived)}")
as_seen = (
    results[302] == (SpanExportResult.SUCCESS, [])
    and results[400][0] is SpanExportResult.FAILURE
    and results[400][1]
    and not arrived
)
sys.exit(0 if as_seen else "it behaves otherwise")
PYTHON
"$work/venv/bin/python" "$work/try.py"
