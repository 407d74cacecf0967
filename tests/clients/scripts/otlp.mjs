import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const url = process.argv[2];
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url;
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR);

const exporter = new OTLPTraceExporter();
const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
provider.getTracer('example').startSpan('work').end();
await provider.shutdown();

const answer = await fetch(`${url}/spans`);
if (!answer.ok) throw new Error(`${answer.status}`);
console.log('arrived', await answer.text());
