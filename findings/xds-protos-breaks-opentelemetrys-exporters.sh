#!/bin/sh
# xds-protos 1.85.0: installed beside opentelemetry-proto, it replaces that package's files by older
# ones, and OpenTelemetry's OTLP exporters cannot be imported any more.
#
# What one would guess: Envoy's messages as gRPC publishes them, and those of OpenTelemetry, are two
# packages that do not touch each other; pip finds no conflict and says nothing.
# What happens: both have opentelemetry/proto/common/v1/common_pb2.py and its neighbours. Whichever is
# unpacked last wins, and those of xds-protos are of a version without InstrumentationScope.
# Why it matters: a service that speaks xDS or ext_authz and exports traces breaks or works by the
# order of installation.
# Seen with: xds-protos 1.85.0, opentelemetry-exporter-otlp-proto-http 1.45.0, Python 3.11, Linux.
#   without xds-protos: imported
#   with xds-protos:    ImportError InstrumentationScope
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip "$@" --quiet --disable-pip-version-check; }
pip install 'opentelemetry-exporter-otlp-proto-http==1.45.0'
cat >"$work/look.py" <<'PYTHON'
try:
    import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: F401
except ImportError as error:
    print(type(error).__name__, *("InstrumentationScope" for _ in [0] if "InstrumentationScope" in str(error)))
else:
    print("imported")
PYTHON
without="$("$work/venv/bin/python" "$work/look.py")"
pip install 'xds-protos==1.85.0'
beside="$("$work/venv/bin/python" "$work/look.py")"
echo "without xds-protos: $without"
echo "with xds-protos:    $beside"
[ "$without" = imported ] && [ "$beside" = "ImportError InstrumentationScope" ]
