"""What installs and publishes packages, and what sends telemetry."""

from tests.clients.client import Client
from tests.clients.services.collector import collector
from tests.clients.services.indexes import npm_registry, python_index

PACKAGES = [
    Client(
        name="pip",
        script="pip.sh",
        service=python_index,
        says=("installed hello", "downloaded hello_private-1.0-py3-none-any.whl"),
        fails="No matching distribution found for hello-private",
    ),
    Client(
        name="twine",
        script="twine.sh",
        service=python_index,
        says=("uploaded", "the index has hello_private-1.0-py3-none-any.whl"),
        fails="401 Unauthorized",
    ),
    Client(
        name="npm",
        script="npm.sh",
        service=npm_registry,
        says=("+ hello-private@1.0.0", "installed hello"),
        fails="npm error code E401",
    ),
]

TELEMETRY = [
    Client(
        name="OTLP from Python",
        script="otlp.py",
        service=collector,
        says=("arrived work",),
        fails="Failed to export spans batch code: 403",
    ),
    Client(
        name="OTLP from Node",
        script="otlp.mjs",
        service=collector,
        says=("arrived work",),
        fails="OTLPExporterError: Forbidden",
    ),
]
