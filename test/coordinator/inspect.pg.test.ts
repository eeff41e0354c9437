// `rehome inspect`: source row, expected row and target row side by side, in each state of a move.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gather, sourceTable, table, targetTable } from '../../src/index.ts'
import {
  ask,
  bearer,
  openBoard,
  operatorToken,
  tokens,
  viewerToken,
} from '../dashboard/board-world.ts'
import { rehome } from '../helpers/command.ts'
import { damageBeforeVerify } from '../helpers/moments/damage.ts'
import { type PlanFile, writePlanFile } from '../helpers/plans/plan-file.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

/** Text of the plan's file. */
const tables = `tables: [table('tenants', { tenant: 'id' }), table('notes', {
  columns: { rename: { api_token: 'token' }, drop: ['old_words'] },
  transform: ({ words, ...row }) => {
    if (row.id === 3n) return null
    if (row.body === 'broken') throw new Error('no such body')
    return { ...row, body: row.body.toUpperCase(), price: '1.5' }
  },
})], exclude: [{ table: 'note_lines', leaveReferences: true }, 'visits']`

describe('a move that failed, since its copy is not equal', () => {
  let world: World
  let file: PlanFile
  let runId = ''

  beforeAll(async () => {
    file = await writePlanFile("['acme']", tables)
    world = await createWorld({
      plan: file.plan,
      source: 'alter table notes add api_token text, add old_words text',
      target: 'alter table notes add token text, add price numeric(10,2)',
    })
    await world.addTenant('acme', 6)
    await world.source.pool.query(`update notes set api_token = 'hunter' || id,
      body = case id when 4 then E'\\u001b[31mred\\u202e' when 5 then repeat('long ', 99) else body end`)
    using _damage = damageBeforeVerify(
      world,
      'acme',
      `with a as (update notes set body = 'damaged', token = 'hunterX' where id = 2),
        b as (update notes set body = repeat('LONG ', 98) || 'LOST ' where id = 5)
        delete from notes where id = 1`,
    )
    await using _worker = await world.work([file.plan])
    runId = (await world.rehome.enqueue(file.plan)).runId ?? ''
    await ended(world, runId)
  })

  afterAll(async () => {
    await file?.[Symbol.asyncDispose]()
    await world?.[Symbol.asyncDispose]()
  })

  const inspect = async (options: object = {}) => {
    const found = await world.rehome.inspect([file.plan], { runId, tenant: 'acme', ...options })
    return new Map(
      found.tables.flatMap((one) => one.rows.map((row) => [`${one.table} ${row.key}`, row])),
    )
  }
  type Row = Awaited<ReturnType<typeof inspect>> extends Map<string, infer R> ? R : never
  const cells = (row: Row | undefined, column: string) =>
    row?.columns.find((one) => one.column === column)

  test('names the differing rows first, column by column, and changes nothing', async () => {
    const rows = await inspect({ table: 'notes', sample: 3 })
    expect([...rows].map(([key, { is }]) => [key, is]).toSorted()).toEqual([
      ['notes (1)', 'missing'],
      ['notes (2)', 'different'],
      ['notes (5)', 'different'],
    ])
    const second = rows.get('notes (2)')
    expect(cells(second, 'body')).toMatchObject({ target: 'damaged', differs: true })
    expect(cells(second, 'body')?.expected).toBe(cells(second, 'body')?.source?.toUpperCase())
    expect(cells(second, 'price')).toEqual({
      ...{ column: 'price', from: null, source: undefined },
      ...{ expected: '1.50', target: '1.50', differs: false },
    })
    expect(cells(second, 'old_words')).toMatchObject({ from: 'old_words', source: null })
    expect(cells(rows.get('notes (5)'), 'body')?.target).toContain('LOST')
  })

  test('masks secrets unless they are to be revealed, and still marks their difference', async () => {
    const masked = cells((await inspect({ table: 'notes', keys: ['2'] })).get('notes (2)'), 'token')
    expect(masked).toMatchObject({ from: 'api_token', differs: true })
    expect(JSON.stringify(masked)).not.toMatch(/hunter/)
    expect(masked?.source).toBe(masked?.expected)
    expect(masked?.target).not.toBe(masked?.expected)
    const revealed = await inspect({ table: 'notes', keys: ['(2)'], reveal: true })
    expect(cells(revealed.get('notes (2)'), 'token')).toMatchObject({
      ...{ source: 'hunter2', expected: 'hunter2', target: 'hunterX' },
    })
  })

  test('says why a source row has no expected row', async () => {
    await world.source.pool.query(`update notes set body = 'broken' where id = 6`)
    const rows = await inspect({ table: 'notes', keys: ['3', '6', '999'] })
    expect([...rows].map(([key, { is, note }]) => [key, is, note])).toEqual([
      ['notes (3)', 'left out', 'the plan makes no row of it'],
      ['notes (6)', 'extra', expect.stringContaining('the transform threw no such body')],
    ])
  })

  test('the command marks differences, obeys no control character, and ends with 4', async () => {
    const command = async (...args: string[]) =>
      await rehome(['inspect', runId, 'acme', '--plan', file.path, ...args], world.environment)
    const text = await command('--table', 'notes', '--key', '2', '4')
    expect(text).toMatchObject({ code: 4, error: '' })
    expect(text.out).toMatch(/^acme · small-\w+ · failed\nnote: the source is its home/)
    expect(text.out).toMatch(/^ {2}\(2\) different$/m)
    expect(text.out).toMatch(/^ {4}\* {2}body .* damaged$/m)
    expect(text.out).toContain(String.raw`\u{1b}[31mred\u{202e}`)
    const json = await command('--table', 'notes', '--key', '4', '--json')
    expect(json.code).toBe(0)
    expect(json.out).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
    expect(JSON.parse(json.out).tables[0].rows[0]).toMatchObject({ key: '(4)', is: 'equal' })
    expect(await command('--key', '1')).toMatchObject({
      ...{ code: 2, error: expect.stringContaining('name it with --table, of tenants, notes') },
    })
  })

  test('the board shows keys to viewers, and rows side by side to operators alone', async () => {
    const inspect = async (asked: { runId: string; tenant: string }) =>
      await world.rehome.inspect([file.plan], asked)
    await using board = await openBoard(world, { ...tokens, inspect })
    const get = async (path: string, token: string) =>
      await ask(board, path, { headers: bearer(token) })
    const rows = `/inspect/${runId}/acme?table=notes&key=%282%29`
    const tenant = await get(`/tenants/${runId}/acme`, viewerToken)
    expect(tenant.text).toMatch(/<td>notes<\/td>\s*<td>\(2\)<\/td><td>different<\/td>/)
    expect(tenant.text).not.toContain('/inspect/')
    expect((await get(rows, viewerToken)).status).toBe(403)
    const own = await get(`/tenants/${runId}/acme`, operatorToken)
    expect(own.text).toContain(rows.replace('&', '&#38;'))
    const page = await get(rows, operatorToken)
    expect(page.status).toBe(200)
    expect(page.text).toMatch(/<td class="message">damaged<\/td>\s*<td><b class="bad">differs/)
    expect(page.text).not.toMatch(/hunter/)
    const hostile = await get(`/inspect/${runId}/acme?table=notes&key=4`, operatorToken)
    expect(hostile.text).toContain(String.raw`\u{1b}[31mred\u{202e}`)
    await using blind = await openBoard(world)
    expect((await ask(blind, rows)).status).toBe(404)
  })

  test.each(['x', '(1,2', '99999999999999999999', '1); drop table notes; --'])(
    'a key that cannot be one, such as %j, is a mistake in the call',
    async (key) => {
      const asked = { runId, tenant: 'acme', table: 'notes', keys: [key] }
      const looked = world.rehome.inspect([file.plan], asked)
      await expect(looked).rejects.toMatchObject({ code: 'USAGE' })
    },
  )

  test('another version of the plan is refused', async () => {
    const other = { ...file.plan, chunkRows: 13 }
    const looked = world.rehome.inspect([other], { runId, tenant: 'acme' })
    await expect(looked).rejects.toMatchObject({ code: 'PLAN_CHANGED' })
  })
})

test('before the first copy all expected rows are missing; after the cutover the writes differ', async () => {
  await using world = await createWorld({ plan: { rollback: { windowMs: 60_000 } } })
  await world.addTenant('acme', 3)
  const { runId } = await world.rehome.enqueue(world.plan())
  const inspect = async () =>
    await world.rehome.inspect([world.plan()], { runId: runId ?? '', tenant: 'acme', sample: 50 })
  const states = ({ tables }: Awaited<ReturnType<typeof inspect>>) => [
    ...new Set(tables.flatMap(({ rows }) => rows.map(({ is }) => is))),
  ]
  expect(states(await inspect())).toEqual(['missing'])
  await using _worker = await world.work()
  await ended(world, runId)
  expect(states(await inspect())).toEqual(['equal'])
  await world.target.pool.query(`update visits set hits = 77 where day = '2025-12-26'`)
  const after = await inspect()
  expect(after.notes).toEqual([expect.stringContaining('written there since the cutover')])
  const differing = after.tables.flatMap(({ table, rows }) =>
    rows.filter(({ is }) => is !== 'equal').map(({ key }) => `${table} ${key}`),
  )
  expect(differing).toEqual(['visits (acme,2025-12-26)'])
})

interface Line {
  note_id: bigint
  line: number
  text: string
}

test('a row that is gathered from several says how many they are', async () => {
  const summaries = gather<Line, { summaries: object }>('summaries', {
    ...{ from: 'note_lines', key: ['note_id', 'line'], by: 'note_id', to: ['summaries'] },
    transform: (lines) => ({
      summaries: {
        id: lines[0]?.note_id,
        tenant_id: 'acme',
        text: lines.map((l) => l.text).join(),
      },
    }),
  })
  await using world = await createWorld({
    target: `drop table note_lines;
      create table summaries (id bigint primary key, tenant_id text not null, text text)`,
    plan: {
      tables: [
        ...[table('tenants', { tenant: 'id' }), table('notes')],
        ...[sourceTable('note_lines', { through: 'note_id' }), summaries],
        targetTable('summaries', { tenant: 'tenant_id' }),
      ],
      exclude: ['visits'],
    },
  })
  await world.addTenant('acme', 3)
  const { runId } = await world.rehome.enqueue(world.plan())
  const asked = { runId: runId ?? '', tenant: 'acme', table: 'summaries', keys: ['2', '3'] }
  const { tables } = await world.rehome.inspect([world.plan()], asked)
  expect(tables[0]?.rows.map(({ key, is, note }) => [key, is, note])).toEqual([
    ['(2)', 'missing', 'made of 2 source rows'],
    ['(3)', 'missing', 'made of 2 source rows'],
  ])
  expect(tables[0]?.rows[0]?.columns.find(({ column }) => column === 'text')).toMatchObject({
    ...{ source: 'line 1', expected: 'line 1,line 2' },
  })
})
