// A wrong plan is refused with a message that names the field; a right one gets its defaults.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { discover, type PlanInput, table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { refusal, small } from '../helpers/plans/refused-plan.ts'

/** `path` → a value that it must not have. */
const wrong: [path: string, value: unknown][] = [
  ['name', undefined],
  ['name', 'two words'],
  ['name', ''],
  ['name', 'x'.repeat(65)],
  ['source', undefined],
  ['source.kind', 'ftp'],
  ['source.urlFrom', ''],
  ['source.urlFrom', 'SOURCE-URL'],
  ['source.schema', ''],
  ['source.schema', 'x'.repeat(64)],
  ['source.schema', 'ö'.repeat(32)],
  ['source.schema', 'public\0x'],
  ['prepare.like', 'ö'.repeat(32)],
  ['target.poolSize', 1],
  ['target.poolSize', 201],
  ['target.poolSize', 2.5],
  ['target.tls', 'on'],
  ['scope', ''],
  ['scope', 'a\0b'],
  ['tenants', undefined],
  ['tenants', 'acme'],
  ['tenants', [1]],
  ['tenants', { sql: '' }],
  ['tables', undefined],
  ['tables', []],
  ['tables.0', 'notes'],
  ['tables.0.kind', 'view'],
  ['tables.0.name', ''],
  ['tables.0.tenant', ''],
  ['tables.0.through', []],
  ['tables.0.key', 'id'],
  ['tables.0.key', []],
  ['tables.0.to', 7],
  ['tables.0.targetTenant', ''],
  ['tables.0.targetThrough', []],
  ['tables.0.columns.drop', 'body'],
  ['tables.0.columns.rename.body', ''],
  ['tables.0.columns.compute.body', 'lower(body)'],
  ['tables.0.row', { id: 'number' }],
  ['tables.0.transform', 'lower'],
  ['tables.0.chunkRows', 0],
  ['exclude', 'notes'],
  ['exclude.0.table', ''],
  ['exclude.0.leaveReferences', 'yes'],
  ['tenantColumn', ''],
  ['strategy', 'offhand'],
  ['chunkRows', 0],
  ['chunkRows', '50'],
  ['chunkRows', Number.NaN],
  ['attempts', 0],
  ['attempts', 101],
  ['backoffMs', -1],
  ['backoffMs', 86_400_001],
  ['concurrency', 0],
  ['concurrency', 65],
  ['fence', null],
  ['fence.leaseMs', 999],
  ['fence.drainMs', 0],
  ['fence.retryAfterS', 3601],
  ['pause', 5],
  ['pause.budgetMs', 0],
]

/** A copy of the plan in which the path has this value; functions and schemas stay as they are. */
function withValue(input: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  const inner = withValue(Object(input)[key], rest, value)
  if (Array.isArray(input)) return input.map((entry, i) => (String(i) === key ? inner : entry))
  return { ...Object(input), [key]: inner }
}

describe('a field that is wrong', () => {
  test.each(wrong)('is named: `%s`, here %j', (path, value) => {
    const input = withValue({ ...small, exclude: [{ table: 'other' }] }, path.split('.'), value)
    const { message, data } = refusal(input)
    expect(message).toContain(`plan field \`${path}\``)
    expect(data.issues).toContainEqual(expect.stringContaining(`\`${path}\``))
  })

  test('is shown with what it was given and what it may be', () => {
    expect(refusal({ ...small, chunkRows: 0 }).message).toBe(
      'plan field `chunkRows` is 0: Too small: expected number to be >=1',
    )
    expect(refusal({ ...small, name: 'two words' }).message).toBe(
      'plan field `name` is "two words": has to be 1 to 64 letters, digits, "-", "_" or "."',
    )
  })

  test('is named with all the others', () => {
    const three = { ...small, attempts: 0, concurrency: 0, scope: '' }
    expect(refusal(three).message).toMatch(
      /`scope` .*; .*`attempts` is 0: .*; .*`concurrency` is 0/,
    )
    const seven = { ...three, chunkRows: 0, backoffMs: -1, strategy: 'x', tenantColumn: '' }
    expect(refusal(seven).message).toMatch(/^(plan field [^;]*; ){6}plan field [^;]*$/)
  })

  test('is named with what other fields contradict', () => {
    const wrong = { ...small, chunkRows: 0, exclude: ['a', 'a'], rollback: { auditEveryMs: 1_000 } }
    expect(refusal(wrong).data.issues).toEqual([
      expect.stringContaining('`chunkRows` is 0'),
      expect.stringContaining('"a" is named twice'),
      expect.stringContaining('`rollback.auditEveryMs`'),
    ])
    // Without a strategy the default of the window is unknown.
    const online = { ...small, strategy: 'onlin', exclude: ['a', 'a'], concurrency: 9 }
    expect(refusal(online).data.issues).toHaveLength(2)
  })

  test('is named after unknown keys, as one of them may be that field', () => {
    expect(refusal({ ...small, tenants: undefined, tenantz: ['acme'] }).message).toMatch(
      /^the plan: unknown `tenantz`.*; plan field `tenants`/,
    )
  })

  test('is the plan itself where that is no plan at all', () => {
    for (const input of [undefined, null, 5, 'plan.ts', [], () => small]) {
      expect(refusal(input).message).toMatch(/^the plan(| is .*): Invalid input/)
    }
  })
})

test('a URL in place of its variable is refused, and not repeated', () => {
  const source = postgres({ urlFrom: 'postgres://app:hunter2@db.internal/shop' })
  const error = refusal({ ...small, source })
  expect(error.message).toBe(
    'plan field `source.urlFrom`: has to be the name of an environment variable, not the URL itself',
  )
  expect(JSON.stringify(error.data)).not.toMatch(/hunter2|db\.internal/)
})

describe('an unknown key', () => {
  test.each([
    ['', 'concurency'],
    ['source', 'pool'],
    ['fence', 'lease'],
    ['pause', 'ms'],
    ['tables.0', 'rename'],
    ['tables.0.columns', 'add'],
    ['tables.0.columns.compute.body', 'type'],
  ])('is refused, where it stands: in `%s`', (path, key) => {
    const columns = { compute: { body: sql`r.body` } }
    const plan = { ...small, fence: {}, pause: {}, tables: [table('notes', { columns })] }
    const steps = path === '' ? [key] : [...path.split('.'), key]
    const of = path.startsWith('tables') ? ' of "notes"' : ''
    const where = path === '' ? 'the plan' : `plan field \`${path}\`${of}`
    expect(refusal(withValue(plan, steps, 1)).message).toBe(
      `${where}: unknown \`${key}\`; see docs/plan.md for its options`,
    )
  })
})

describe('a right plan', () => {
  test('that says only what it must gets its defaults', () => {
    const end = { kind: 'sql', schema: 'public', poolSize: 8, tls: 'off', databases: 16 }
    expect(checkPlan(small)).toEqual({
      name: 'small',
      source: { ...end, urlFrom: 'SOURCE_URL' },
      target: { ...end, urlFrom: 'TARGET_URL' },
      scope: 'default',
      targetScope: 'default',
      tenants: ['acme'],
      newIds: {},
      invariants: [],
      tables: [{ kind: 'table', name: 'notes', columns: { drop: [], rename: {}, compute: {} } }],
      exclude: [],
      tenantColumn: 'tenant_id',
      strategy: 'offline',
      chunkRows: 50_000,
      attempts: 3,
      backoffMs: 1_000,
      concurrency: 2,
      hold: { everyMs: 60_000 },
      cleanup: { drop: false },
      guards: 'always',
      fence: { leaseMs: 10_000, drainMs: 5_000, retryAfterS: 5 },
      pause: { budgetMs: 120_000, attempts: 5 },
      rollback: { auditEveryMs: 0, windowMs: 0 },
    })
  })

  test('may set one field of a group and keep the defaults of the others', () => {
    const { fence } = checkPlan({ ...small, fence: { leaseMs: 2_000 } })
    expect(fence).toEqual({ leaseMs: 2_000, drainMs: 5_000, retryAfterS: 5 })
  })

  test('keeps its functions and its row schema as they are', () => {
    const row = z.object({ id: z.bigint() })
    const transform = () => null
    const [notes] = checkPlan({ ...small, tables: [table('notes', { row, transform })] }).tables
    expect(notes).toMatchObject({ row, transform })
  })

  test('may name its tenants in any of four ways', () => {
    async function* later() {
      yield 'acme'
    }
    for (const tenants of [['acme'], sql`select id from tenants`, later(), later, () => ['acme']]) {
      expect(checkPlan({ ...small, tenants }).tenants).toEqual(tenants)
    }
  })

  test('may ask for every table that has a column', () => {
    const tables = [discover({ exclude: ['audit'] }), table('tenants', { tenant: 'id' })]
    expect(checkPlan({ ...small, tables }).tables[0]).toEqual({
      kind: 'discover',
      column: 'tenant_id',
      exclude: ['audit'],
    })
  })
})

describe('two plans are the same plan', () => {
  const print = (change: Partial<PlanInput>) => fingerprintOf(checkPlan({ ...small, ...change }))
  const schema = () => z.object({ id: z.bigint(), body: z.string().nullable() })
  const checked = (row: z.ZodType<object>, more = {}) =>
    table('notes', { row, transform: (given) => ({ ...given }), ...more })

  test('when they say the same, with or without the defaults', () => {
    expect(print({ attempts: 3, fence: {}, exclude: [] })).toBe(print({}))
    const tables = () => [checked(schema(), { columns: { drop: ['x'] } })]
    expect(print({ tables: tables() })).toBe(print({ tables: tables() }))
  })

  test('when only the text of a function differs, as every loader writes it in its own way', () => {
    const one = [table('notes', { transform: (row) => row })]
    const other = [table('notes', { transform: (given) => ({ ...given }) })]
    expect(print({ tables: one })).toBe(print({ tables: other }))
  })

  test.each<[string, Partial<PlanInput>]>([
    ['another tenant is among those it lists', { tenants: ['acme', 'bolt'] }],
    ['another query tells its tenants', { tenants: sql`select id from tenants` }],
    ['another end is meant', { target: postgres({ urlFrom: 'OTHER_URL' }) }],
    ['a limit is another', { chunkRows: 49_999 }],
    ['another scope is fenced', { scope: 'notes' }],
    ['another table goes along', { tables: [table('notes'), table('lines')] }],
    ['a table goes elsewhere', { tables: [table('notes', { to: 'pages' })] }],
    ['a table gets a transform', { tables: [table('notes', { transform: (row) => row })] }],
    ['a row is checked', { tables: [checked(schema())] }],
    ['a column is dropped', { tables: [table('notes', { columns: { drop: ['body'] } })] }],
  ])('no longer when %s', (_, change) => {
    expect(print(change)).not.toBe(print({}))
  })

  test('no longer when rows are checked in another way', () => {
    const withRow = (row: z.ZodType<object>) => print({ tables: [checked(row)] })
    expect(withRow(schema())).not.toBe(withRow(schema().extend({ body: z.string() })))
    expect(withRow(schema())).not.toBe(withRow(schema().extend({ body: z.string().max(9) })))
  })
})

describe('SQL in a plan', () => {
  test('takes texts and numbers as literals', () => {
    const hostile = "o'clock'; drop table notes; --"
    expect(sql`r.a = ${hostile}`.sql).toBe(`r.a = 'o''clock''; drop table notes; --'`)
    expect(sql`r.a - ${-1} + ${2.5} || ${'a\\b'}`.sql).toBe(`r.a - (-1) + 2.5 ||  E'a\\\\b'`)
  })

  test('is trimmed, and may hold nothing but SQL', () => {
    expect(sql`
      select id from tenants
    `).toEqual({ sql: 'select id from tenants' })
  })

  test.each([[undefined], [null], [Number.NaN], [{ a: 1 }], [['a']]])('refuses %j', (value) => {
    const given = value as unknown as string
    expect(() => sql`r.a = ${given}`).toThrow('sql`…` takes texts and numbers, not')
  })
})
