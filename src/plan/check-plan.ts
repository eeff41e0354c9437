/**
 * The rules of a plan, and its defaults. A message names the field, what was given, and what is
 * allowed; unknown keys are errors, because a typo must not become a default. Pure.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { RehomeError } from '../errors.ts'
import { endpoint, fn, name, namedEnds, noNul } from './check-endpoint.ts'
import { order, stopWhen, waves } from './check-waves.ts'
import { contradictionsIn } from './contradictions.ts'
import { cutoverPlan } from './homes/cutover-plan.ts'
import { withNamedEnds } from './homes/named-ends.ts'
import { invariant } from './invariant.ts'
import type { Plan } from './plan.ts'
import { withoutInvertedStreams } from './routing/inverted-streams.ts'
import { schemaChanges } from './schema-plan.ts'
import { windows } from './timing/check-windows.ts'
import { pace } from './timing/pace.ts'
import { momentForm, momentOf } from './timing/timing.ts'

const sqlText = z.strictObject({ sql: z.string().min(1) })

const zodSchema = z.custom<z.ZodType>(
  (v) => typeof v === 'object' && v !== null && 'safeParse' in v,
  'has to be a zod schema',
)

const idNames = z.record(name, name).optional()
const quarantine = z.int().min(0).max(100_000)
const chunkRows = z.int().min(1).max(10_000_000)

const way = z.strictObject({
  columns: z.array(name),
  to: z
    .strictObject({ table: z.string(), columns: z.array(name) })
    .refine(
      ({ table }) => table !== '',
      "has to be `{ column: 'table.column' }`, all columns of one table",
    )
    .optional(),
  when: sqlText.optional(),
  inverse: z.literal(true).optional(),
})

export const tableSchema = z.strictObject({
  kind: z.literal('table'),
  side: z.enum(['source', 'target', 'shared']).optional(),
  sharing: z
    .strictObject({
      missing: z.enum(['insert', 'refuse']),
      differing: z.enum(['refuse', 'keep', 'update']),
      compare: z.array(name).min(1).optional(),
      newIds: z.strictObject({ by: z.array(name).min(1) }).optional(),
      leaveReferences: z.boolean().optional(),
    })
    .optional(),
  quarantine: quarantine.optional(),
  chunkRows: chunkRows.optional(),
  newIds: idNames,
  name,
  tenant: name.optional(),
  through: z.array(way).min(1).optional(),
  nobody: z.literal('stay').optional(),
  key: z.array(name).min(1).optional(),
  to: name.optional(),
  targetTenant: name.optional(),
  targetThrough: z.array(way).min(1).optional(),
  columns: z.strictObject({
    drop: z.array(name),
    rename: z.record(name, name),
    compute: z.record(name, sqlText),
  }),
  row: zodSchema.optional(),
  transform: fn.optional(),
  invert: fn.optional(),
})

const streamPlan = z.strictObject({
  kind: z.literal('stream'),
  name,
  from: z.union([name, fn]),
  alsoReads: z.array(name).optional(),
  key: z.array(name).min(1).optional(),
  by: z.array(name),
  invert: fn.optional(),
  to: z.array(name).min(1),
  newIds: idNames,
  row: zodSchema.optional(),
  quarantine,
  transform: fn,
})

const discovered = z.strictObject({
  kind: z.literal('discover'),
  column: name,
  exclude: z.array(name),
  follow: z.boolean().optional(),
})

const excluded = z.preprocess(
  (entry) => (typeof entry === 'string' ? { table: entry } : entry),
  z.strictObject({ table: name, leaveReferences: z.boolean().optional() }),
)

const tenantSource = z.custom<Plan['tenants']>(
  (v) =>
    (Array.isArray(v) && v.every((tenant) => typeof tenant === 'string')) ||
    typeof v === 'function' ||
    sqlText.safeParse(v).success ||
    (typeof v === 'object' && v !== null && Symbol.asyncIterator in v),
  'has to be a list of texts, sql`…`, an async iterable or a function that makes an iterable',
)

const dayMs = 24 * 3600 * 1000
const ms = (min: number) => z.int().min(min).max(dayMs)

export const planSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'has to be 1 to 64 letters, digits, "-", "_" or "."'),
  ends: namedEnds.optional(),
  source: endpoint,
  target: endpoint,
  scope: z.string().min(1).max(64).refine(noNul, 'has a NUL character').default('default'),
  targetScope: z.string().min(1).max(64).refine(noNul, 'has a NUL character').optional(),
  tenants: tenantSource,
  tables: z.array(z.discriminatedUnion('kind', [tableSchema, streamPlan, discovered])).min(1),
  exclude: z.array(excluded).default([]),
  tenantColumn: name.default('tenant_id'),
  searchPath: z.array(name).optional(),
  strategy: z.enum(['offline', 'online']).default('offline'),
  lookups: fn.optional(),
  newIds: z
    .record(
      name,
      z.strictObject({
        by: sqlText,
        type: z.enum(['int8', 'int4', 'uuid', 'text']).optional(),
      }),
    )
    .default({}),
  invariants: z.array(invariant).default([]),
  schema: schemaChanges.optional(),
  prepare: z
    .union(
      [fn, z.strictObject({ like: name })],
      'has to be a function, or `{ like: name of a schema or database }`',
    )
    .optional(),
  cutover: cutoverPlan,
  cleanup: z.strictObject({ drop: z.boolean().default(false) }).prefault({}),
  chunkRows: chunkRows.default(50_000),
  attempts: z.int().min(1).max(100).default(3),
  backoffMs: ms(0).default(1_000),
  concurrency: z.int().min(1).max(64).default(2),
  waves: waves.optional(),
  order: order.optional(),
  stopWhen: stopWhen.optional(),
  completeAfter: z
    .string()
    .refine((text) => momentOf(text) !== null, momentForm)
    .optional(),
  windows: windows.optional(),
  facts: fn.optional(),
  pace: pace.optional(),
  hold: z.strictObject({ everyMs: ms(100).default(60_000) }).prefault({}),
  guards: z.enum(['always', 'while moving']).default('always'),
  fence: z
    .strictObject({
      leaseMs: ms(1_000).default(10_000),
      drainMs: ms(1).default(5_000),
      retryAfterS: z.int().min(1).max(3600).default(5),
      drained: fn.optional(),
    })
    .prefault({}),
  canary: fn.optional(),
  pause: z
    .strictObject({ budgetMs: ms(1).optional(), attempts: z.int().min(1).max(100).default(5) })
    .prefault({}),
  rollback: z
    .strictObject({
      auditEveryMs: z.union([z.literal(0), ms(1_000)]).default(0),
      windowMs: z
        .int()
        .min(0)
        .max(90 * dayMs)
        .optional(),
    })
    .prefault({}),
})

const budgetsMs = { offline: 120_000, online: 1_000 } as const
const windowsMs = { offline: 0, online: dayMs } as const

/** Throws PLAN_INVALID with everything that is wrong. */
export function checkPlan(written: unknown): Plan {
  const { plan: input, wrong } = withNamedEnds(written)
  if (wrong.length > 0) throw invalid(wrong)
  const parsed = planSchema.safeParse(input)
  if (!parsed.success) {
    throw invalid([...mistakesIn(parsed.error, input), ...contradictionsIn(validFields(input))])
  }
  // Functions and schemas passed through as they are; zod has seen the shape of everything else.
  const { pause, rollback, ...rest } = parsed.data
  const budgetMs = pause.budgetMs ?? budgetsMs[rest.strategy]
  const windowMs = rollback.windowMs ?? windowsMs[rest.strategy]
  const targetScope = rest.targetScope ?? rest.scope
  const filled = {
    ...rest,
    targetScope,
    pause: { ...pause, budgetMs },
    rollback: { ...rollback, windowMs },
  }
  const checked = filled as unknown as Plan
  const contradictions = contradictionsIn(checked)
  if (contradictions.length > 0) throw invalid(contradictions)
  return { ...checked, tables: withoutInvertedStreams(checked) }
}

/** Fields that are right by themselves, so that they can be held against each other. */
function validFields(input: unknown): Partial<Plan> {
  const fields = Object.entries(planSchema.shape).flatMap(([field, schema]) => {
    const parsed = schema.safeParse(Object(input)[field])
    return parsed.success ? [[field, parsed.data]] : []
  })
  const { strategy, rollback, ...rest }: Partial<Plan> = Object.fromEntries(fields)
  if (!strategy || !rollback) return { ...rest, ...(strategy && { strategy }) }
  return {
    ...rest,
    strategy,
    rollback: { ...rollback, windowMs: rollback.windowMs ?? windowsMs[strategy] },
  }
}

function invalid(issues: readonly string[]): RehomeError {
  return new RehomeError('PLAN_INVALID', issues.join('; '), { data: { issues } })
}

function mistakesIn(error: z.ZodError, input: unknown): string[] {
  // A field that is missing is most often one that was misspelt.
  const isUnknown = ({ code }: z.core.$ZodIssue) => Number(code === 'unrecognized_keys')
  const issues = error.issues.toSorted((a, b) => isUnknown(b) - isUnknown(a))
  return issues.map((issue) => textOf(issue, input))
}

function textOf(issue: z.core.$ZodIssue, input: unknown): string {
  const path = issue.path.map(String)
  const what = issue.code === 'unrecognized_keys' ? unknownKeys(issue.keys) : issue.message
  const where = path.length === 0 ? 'the plan' : `plan field \`${path.join('.')}\``
  return `${where}${ofTable(input, path)}${given(input, path)}: ${what}`
}

/** The name of the table, which its place in the list does not tell. */
function ofTable(input: unknown, [field, place = '']: readonly string[]): string {
  if (field !== 'tables') return ''
  const name = Object(Object(Object(input).tables)[place]).name
  return typeof name === 'string' && name !== '' ? ` of "${name}"` : ''
}

/** ` is …` where that is short, and no URL that somebody took for its variable's name. */
function given(input: unknown, path: readonly string[]): string {
  const value = path.reduce<unknown>((at, key) => Object(at)[key], input)
  if (path.at(-1) === 'urlFrom' || value === undefined) return ''
  if (typeof value === 'object' || typeof value === 'function')
    return value === null ? ' is null' : ''
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? '' : ` is ${text}`
}

function unknownKeys(keys: readonly string[]): string {
  const names = keys.map((key) => `\`${key}\``).join(', ')
  return `unknown ${names}; see docs/plan.md for its options`
}

/**
 * Equal for equal plans, whichever loader has read the file: the text of functions does not count,
 * as each loader writes their text in its own way. Lists of tenants count, queries for them by
 * their text. Waves, their order, and when moves are completed, do not count: they are stored with
 * each run. Schema changes do not count: each of their statements is known by its own hash;
 * nor do `prepare`, `cleanup` and `pace`.
 */
export function fingerprintOf(plan: Plan): string {
  const { waves, order, stopWhen, completeAfter, windows, facts, pace, ...others } = plan
  const { schema, prepare, cleanup, ...counted } = others
  const text = JSON.stringify(counted, (_, value: unknown) => {
    if (typeof value === 'function') return 'function'
    if (typeof value === 'object' && value !== null && 'safeParse' in value)
      return schemaText(value)
    return value
  })
  return createHash('sha256').update(text).digest('hex')
}

function schemaText(schema: object): unknown {
  try {
    return z.toJSONSchema(schema as z.ZodType, { unrepresentable: 'any' })
  } catch {
    return 'zod schema'
  }
}
