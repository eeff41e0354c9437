// Traces of moves, as an exporter in memory gets them from a real SDK of OpenTelemetry.
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { telemetryOption } from '../../src/queue/queue-traces.ts'
import { isTracing } from '../../src/traces.ts'
import { jobOf, poison } from '../dashboard/board-world.ts'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { ended, runAll } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })

const without = { isTracing: isTracing(), option: telemetryOption() }
provider.register()

beforeEach(() => exporter.reset())
afterAll(() => provider.shutdown())

const named = (name: string, tenant?: string) =>
  exporter
    .getFinishedSpans()
    .filter((span) => span.name === name)
    .filter(({ attributes }) => tenant === undefined || attributes['rehome.tenant'] === tenant)
const below = (parent: ReadableSpan) =>
  exporter
    .getFinishedSpans()
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent.spanContext().spanId)

/** The only one, once it has ended. */
async function oneSpan(name: string, tenant?: string): Promise<ReadableSpan> {
  return await eventually(() => {
    const [span, ...more] = named(name, tenant)
    expect(more).toEqual([])
    if (!span) throw new Error(`no span ${name}`)
    return span
  })
}

test('without an SDK nothing is traced, and queues have no telemetry', () => {
  expect(without).toEqual({ isTracing: false, option: {} })
  expect(isTracing()).toBe(true)
})

describeOnOneBackend('with an SDK', (backend) => {
  test('an attempt is a trace of its own: its job, its phases, their calls', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    await world.work()
    const tracer = trace.getTracer('application')
    const { runId } = await tracer.startActiveSpan('request', async (span) => {
      const baggage = propagation.createBaggage({ secret: { value: 'hush' } })
      const within = propagation.setBaggage(context.active(), baggage)
      return await context
        .with(within, () => world.rehome.enqueue(world.plan()))
        .finally(() => span.end())
    })
    await ended(world, runId)

    const job = await oneSpan('process rehome-moves')
    expect(job).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanContext: undefined })
    const [added, request] = [await oneSpan('addBulk rehome-moves'), await oneSpan('request')]
    expect(job.links.map((link) => link.context.spanId)).toEqual([added.spanContext().spanId])
    expect(below(request)).toEqual([added])

    const [move, ...others] = below(job)
    expect(others).toEqual([])
    if (!move) throw new Error('no span of the attempt')
    expect([move.name, move.attributes]).toEqual([
      'move',
      {
        ...{ 'rehome.errand': 'move', 'rehome.plan': 'small', 'rehome.run': runId },
        ...{ 'rehome.tenant': 'acme', 'rehome.attempt': 1 },
        ...{ 'rehome.result': 'settled', 'rehome.phase': 'moved' },
      },
    ])
    const phases = below(move).filter(({ kind }) => kind === SpanKind.INTERNAL)
    expect(phases.map(({ name }) => name)).toEqual([
      ...['preflight', 'fence', 'drain', 'copy', 'verify', 'cutover', 'release'],
    ])
    const callsOf = (name: string) => below(phases.find((phase) => phase.name === name) ?? move)
    for (const { name } of phases) expect(callsOf(name).length, name).toBeGreaterThan(0)
    const copied = callsOf('copy').map(({ name }) => name)
    expect(copied).toEqual(expect.arrayContaining(['copy source', 'copy target']))
    expect(callsOf('copy').every(({ kind }) => kind === SpanKind.CLIENT)).toBe(true)

    const text = JSON.stringify(exporter.getFinishedSpans().map((span) => span.attributes))
    expect(text).toContain(`'…'`)
    const { rows } = await world.source.pool.query('select token, epoch from rehome.tenant_flags')
    for (const secret of [rows[0].token, rows[0].epoch, 'Name of acme', 'quoted', 'hush']) {
      expect(text).not.toContain(secret)
    }
    const { opts } = await jobOf(world, 'acme', 'completed')
    expect(opts.telemetry?.metadata).toMatch(/^[0-9a-f]{32}-[0-9a-f]{16}-1$/)
  })

  test('a failed attempt says its code, and the next one is another trace with the same link', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    await world.addTenant('bad')
    await poison(world, 'bad')
    await world.work()
    const runId = await runAll(world)
    await jobOf(world, 'bad', 'failed')
    const move = await oneSpan('move', 'bad')
    expect(move.status.message).toBe('ROW_REJECTED')
    expect(move.attributes).toMatchObject({ 'rehome.result': 'failed' })
    expect(below(move).find(({ name }) => name === 'copy')?.status.message).toBe('ROW_REJECTED')
    const first = await oneSpan('process rehome-moves')
    exporter.reset()
    await world.rehome.retry(runId, { tenants: ['bad'] })
    await ended(world, runId)
    const second = await oneSpan('process rehome-moves')
    const linked = ({ links }: ReadableSpan) => links.map((link) => link.context.spanId)
    expect([linked(second), linked(first).length]).toEqual([linked(first), 1])
    expect(second.spanContext().traceId).not.toBe(first.spanContext().traceId)
    expect(JSON.stringify(exporter.getFinishedSpans().map((one) => one.events))).not.toMatch(
      /poison/,
    )
  })
})

test('ids of a span in a job that somebody has edited are no span', () => {
  const manager = telemetryOption().telemetry?.contextManager
  const zeros = `${'0'.repeat(32)}-${'0'.repeat(16)}-1`
  for (const edited of ['', 'x', '{}', zeros, `${'a'.repeat(32)}-${'b'.repeat(16)}-1\n`]) {
    const read = manager?.fromMetadata(ROOT_CONTEXT, edited) ?? ROOT_CONTEXT
    expect(trace.getSpanContext(read), edited).toBeUndefined()
  }
})
