// Looks for rows that would be left behind, where they take longer than there is time for under the
// fence: check names such tables, and rows that come too late are reported after the cutover.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askRollback } from '../../src/control/ask.ts'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { type Attempts, openAttempts } from '../helpers/attempts/attempts.ts'
import { Life } from '../helpers/attempts/life.ts'
import { storeMoves, stories } from '../helpers/attempts/stories.ts'
import type { CallPoint } from '../helpers/moments/call-points.ts'
import { createWorld, type World } from '../helpers/world.ts'

const posts = `
  drop table visits, note_lines, notes, tenants; drop type mood;
  create table posts (id int primary key, tenant_id text not null);
  create table comments (id int primary key, post_id int references posts,
    parent_id int references comments);
  create index on comments (post_id)`

let world: World
let attempts: Attempts
/** A reply that comes under the fence: it knows its parent only. */
let late: 'source' | 'target' | null = null

beforeAll(async () => {
  const drained = async (tenant: string) => {
    const id = Number(tenant)
    if (late) await world[late].pool.query(`insert into comments values (${id + 5}, null, ${id})`)
  }
  world = await createWorld({
    both: posts,
    plan: {
      tables: [table('posts'), table('comments', { through: 'post_id', nobody: 'stay' })],
      tenants: sql`select tenant_id from posts`,
      attempts: 3,
      fence: { leaseMs: 600_000, drainMs: 2_000, drained },
      pause: { budgetMs: 5_000 },
      rollback: { windowMs: 600_000 },
    },
  })
  attempts = openAttempts(world)
})
afterAll(async () => {
  await attempts[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

async function arrive(id: number) {
  await world.source.pool.query(`insert into posts values (${id}, '${id}');
    insert into comments values (${id}, ${id}, null)`)
  const [move] = await storeMoves(world, stories.move, [`${id}`])
  if (!move) throw new Error('no move')
  return move
}

const isLook = ({ moment, text }: CallPoint) =>
  moment === 'before' && text.includes('array_agg(row(')

/** A life whose first look of a phase takes longer than a tenth of the budget. */
function slowLooker(phase: string, meet: (point: CallPoint, life: Life) => void = () => {}) {
  let looked = false
  return new Life((point, life) => {
    meet(point, life)
    if (looked || !isLook(point) || !point.name.includes(phase)) return
    looked = true
    life.hold()
    setTimeout(() => life.wake(), 700)
  })
}

async function evidenceOf(id: string) {
  const query = 'select phase, error_message, evidence from rehome_control.moves where id = $1'
  return (await world.control.pool.query(query, [id])).rows[0]
}

const lateComment = (of: number) => [
  { table: 'comments', foreignKey: 'comments_parent_id_fkey', rows: 1, values: [`(${of})`] },
]

test('check says where a look reads a large table for want of an index', async () => {
  const sized = (rows: number) =>
    world.source.pool.query(
      `update pg_class set reltuples = ${rows} where oid = 'comments'::regclass`,
    )
  const notes = async () =>
    (await world.rehome.notes(world.plan())).filter(({ message }) => /looked through/.test(message))
  expect(await notes()).toEqual([])
  await sized(2_000_000)
  const [note, ...others] = await notes()
  expect(note).toMatchObject({
    where: 'source table "comments"',
    message: expect.stringMatching(/2000000 rows .* "comments_parent_id_fkey" .* 500 ms/),
  })
  expect(others).toEqual([])
  await world.source.pool.query('create index by_parent on comments (parent_id)')
  await sized(2_000_000)
  expect(await notes()).toEqual([])
  await world.source.pool.query('drop index by_parent')
})

test('a row that comes under the fence is found there where looks are quick', async () => {
  late = 'source'
  const move = await arrive(100)
  await attempts.live(new Life(), move.id)
  expect(await evidenceOf(move.id)).toMatchObject({
    phase: 'failed',
    evidence: { straysUnseen: false },
  })
})

test('a row that comes too late for a slow look is reported after the cutover', async () => {
  late = 'source'
  const move = await arrive(200)
  await attempts.live(slowLooker('preflight'), move.id)
  expect(await evidenceOf(move.id)).toMatchObject({
    ...{ phase: 'moved', error_message: null },
    evidence: { straysUnseen: lateComment(200) },
  })
})

test('it is reported by the attempt that follows a death at the cutover', async () => {
  late = 'source'
  const move = await arrive(300)
  const dying = slowLooker('preflight', (point, life) => {
    if (point.name.startsWith('after cutover source')) life.die()
  })
  await attempts.live(dying, move.id)
  expect(await evidenceOf(move.id)).toMatchObject({ phase: 'cutover' })
  await attempts.finish(move.id)
  expect(await evidenceOf(move.id)).toMatchObject({
    ...{ phase: 'moved', error_message: null },
    evidence: { straysUnseen: lateComment(300) },
  })
})

test('a row that comes too late for the way back is reported, too', async () => {
  late = null
  const move = await arrive(400)
  await attempts.finish(move.id)
  expect((await evidenceOf(move.id)).evidence.straysUnseen).toBe(false)
  const asked = { by: 'tester', discardWrites: false }
  await askRollback(world.rehome.control, move.id, asked)
  late = 'target'
  await attempts.live(slowLooker('undo_compare'), move.id)
  expect(await evidenceOf(move.id)).toMatchObject({
    ...{ phase: 'rolled_back', error_message: null },
    evidence: { straysUnseen: false, rollback: { straysUnseen: lateComment(400) } },
  })
})
