/**
 * OpenTelemetry traces: a span for each attempt at an errand, one for each phase in it, and one for
 * each remote call. They go to the SDK that the process has registered with the API. Where there is
 * none, nothing is traced, and nothing is spent on it.
 *
 * Invariant: a span holds no row, token or address. It names tenant, run and plan, as the log does,
 * and statements without their literals.
 */
import {
  context,
  ProxyTracerProvider,
  type Span,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'

/** The subject of an attempt. */
export interface TracedAttempt {
  readonly errand: string
  readonly plan: string
  readonly run: string
  readonly tenant: string
  readonly attempt: number
}

export interface AttemptTrace {
  /** Does the work as this phase. */
  phase<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Begins a call in the current phase; the function that it returns ends it. */
  call(call: TracedCall): (error?: unknown) => void
  /** Ends the attempt. Idempotent: the first result counts. */
  end(result?: AttemptResult): void
}

export interface TracedCall {
  readonly to: string
  /** A statement, or method and path of a request. */
  readonly text: string
  readonly kind: 'statement' | 'request'
}

export interface AttemptResult {
  /** `settled`, `held`, `failed`, `nothing to do`. */
  readonly kind: string
  readonly phase?: string | undefined
  /** The code of its error. */
  readonly error?: string | undefined
}

/** Whether the process has registered an SDK. Asked when queues are opened and attempts begin. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider()
  const isProxy = provider instanceof ProxyTracerProvider
  return !isProxy || provider.getDelegateTracer('rehome') !== undefined
}

/** Below the span that is active, which is that of the job. null: nothing is traced. */
export function traceAttempt(facts: TracedAttempt): AttemptTrace | null {
  if (!isTracing()) return null
  const tracer = rehomeTracer()
  const attributes = {
    'rehome.errand': facts.errand,
    'rehome.plan': facts.plan,
    'rehome.run': facts.run,
    'rehome.tenant': facts.tenant,
    'rehome.attempt': facts.attempt,
  }
  const root = tracer.startSpan(facts.errand, { attributes })
  // The sampler has left it out, with all that would be below it.
  if (!root.isRecording()) return null
  let current = root
  return {
    async phase(name, work) {
      const span = startBelow(tracer, root, { name, attributes: { 'rehome.phase': name } })
      current = span
      try {
        return await work()
      } catch (error) {
        span.setStatus(failure(error))
        throw error
      } finally {
        span.end()
        current = root
      }
    },
    call: (call) => startCall(tracer, current, call),
    end(result) {
      if (!root.isRecording()) return
      if (result) conclude(root, result)
      root.end()
    },
  }
}

export function rehomeTracer(): Tracer {
  return trace.getTracer('rehome')
}

/** Characters of a statement that a span keeps. */
const textMax = 2_000

/** The name is the kind of statement only, so that backends can group by it. */
function startCall(
  tracer: Tracer,
  parent: Span,
  { to, text, kind }: TracedCall,
): (error?: unknown) => void {
  const verb = /^\s*(\w+)/.exec(text)?.[1]?.toLowerCase() ?? 'call'
  // A query of an API may hold anything.
  const what = kind === 'request' ? text.replace(/\?.*$/s, '') : text
  const attribute = kind === 'request' ? 'rehome.request' : 'db.query.text'
  const span = startBelow(tracer, parent, {
    name: `${verb} ${to}`,
    kind: SpanKind.CLIENT,
    attributes: { 'rehome.to': to, [attribute]: what.slice(0, textMax) },
  })
  return (error) => {
    if (!span.isRecording()) return
    if (error !== undefined) span.setStatus(failure(error))
    span.end()
  }
}

interface Below {
  readonly name: string
  readonly kind?: SpanKind
  readonly attributes: Record<string, string>
}

function startBelow(tracer: Tracer, parent: Span, { name, ...options }: Below): Span {
  return tracer.startSpan(name, options, trace.setSpan(context.active(), parent))
}

function conclude(span: Span, { kind, phase, error }: AttemptResult): void {
  span.setAttribute('rehome.result', kind)
  if (phase !== undefined) span.setAttribute('rehome.phase', phase)
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error })
}

/** Not the error's message: it may hold values of rows. */
function failure(error: unknown): SpanStatus {
  const code: unknown = Object(error).code
  return { code: SpanStatusCode.ERROR, message: typeof code === 'string' ? code : 'failed' }
}
