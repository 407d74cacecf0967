import os
import sys
from urllib.request import urlopen

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

url = sys.argv[1]
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
os.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip"

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
with trace.get_tracer("example", tracer_provider=provider).start_as_current_span("work"):
    pass
provider.shutdown()
with urlopen(f"{url}/spans") as answer:
    print("arrived", answer.read().decode())
