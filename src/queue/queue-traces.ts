/**
 * BullMQ's telemetry over the API of OpenTelemetry: a span where jobs are added, and one for each
 * job that is worked on.
 *
 * Each job's span begins a trace of its own, with a link to the span that added it: a run of 10,000
 * tenants is no single trace. What BullMQ does in its loops is not traced. Jobs carry the ids of a
 * span and nothing else: no baggage of the application.
 */
import {
  type Context,
  context,
  isSpanContextValid,
  SpanKind as OtelKind,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { type ContextManager, type Span, SpanKind, type Telemetry, type Tracer } from 'bullmq'
import { isTracing, rehomeTracer } from '../traces.ts'

/** An option of queues and workers. Empty where nothing is traced. */
export function telemetryOption(): { telemetry?: Telemetry<Context> } {
  return isTracing() ? { telemetry: { tracer, contextManager } } : {}
}

const tracer: Tracer<Context> = {
  startSpan(name, options, parent) {
    if (options?.kind === SpanKind.PRODUCER) {
      return spanOf(rehomeTracer().startSpan(name, { kind: OtelKind.PRODUCER }))
    }
    if (options?.kind !== SpanKind.CONSUMER) return untraced
    const adder = parent && trace.getSpanContext(parent)
    const links = adder ? [{ context: adder }] : []
    return spanOf(rehomeTracer().startSpan(name, { kind: OtelKind.CONSUMER, links, root: true }))
  },
}

/** Events of BullMQ hold results of jobs, and exceptions their messages: neither is passed on. */
function spanOf(span: OtelSpan): Span<Context> {
  return {
    setSpanOnContext: (on) => trace.setSpan(on, span),
    setAttribute: (key, value) => void span.setAttribute(key, value),
    setAttributes: (attributes) => void span.setAttributes(attributes),
    addEvent: () => {},
    recordException: () => void span.setStatus({ code: SpanStatusCode.ERROR }),
    end: () => span.end(),
  }
}

const untraced: Span<Context> = {
  setSpanOnContext: (on) => on,
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
}

const contextManager: ContextManager<Context> = {
  with: (within, work) => context.with(within, work),
  active: () => context.active(),
  root: () => ROOT_CONTEXT,
  getMetadata(of) {
    const span = trace.getSpanContext(of)
    if (!span || !isSpanContextValid(span)) return ''
    return `${span.traceId}-${span.spanId}-${span.traceFlags}`
  },
  fromMetadata(active, metadata) {
    // Anybody may have edited the job.
    const [, traceId = '', spanId = '', flags] =
      /^([0-9a-f]{32})-([0-9a-f]{16})-([01])$/.exec(metadata) ?? []
    const traceFlags = flags === '1' ? TraceFlags.SAMPLED : TraceFlags.NONE
    const span = { traceId, spanId, traceFlags, isRemote: true }
    return isSpanContextValid(span) ? trace.setSpanContext(active, span) : active
  },
}
