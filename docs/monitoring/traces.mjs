// Sends traces to OTEL_EXPORTER_OTLP_ENDPOINT (default: http://localhost:4318), and what is left of
// them when the process ends. Load it before rehome: NODE_OPTIONS='--import ./traces.mjs'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

const service = { 'service.name': process.env.OTEL_SERVICE_NAME ?? 'rehome' }
const provider = new NodeTracerProvider({
  resource: defaultResource().merge(resourceFromAttributes(service)),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
})
provider.register()
process.once('beforeExit', () => provider.shutdown())
