// Watching runs end, and comparing ends: what most stories finish with.
import { expect } from 'vitest'
import type { Rehome } from '../../src/index.ts'
import type { World } from './world.ts'

type Moves = Awaited<ReturnType<Rehome['status']>>['moves']
export type Ended = Moves[number]

const tables = ['tenants', 'notes', 'note_lines', 'visits'] as const

/** Waits until nothing of the run is open. Returns tenant → move. */
export async function ended(world: World, runId: string | null): Promise<Map<string, Ended>> {
  for await (const { done, moves } of world.rehome.watch(runId ?? '', { everyMs: 60 })) {
    if (done) return new Map(moves.map((move) => [move.tenant_id, move]))
  }
  throw new Error('the run did not end')
}

export async function runAll(world: World, tenants?: string[]): Promise<string> {
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants })
  await ended(world, runId)
  return runId ?? ''
}

export async function moveOf(world: World, runId: string, tenant: string): Promise<Ended> {
  const move = (await world.rehome.status(runId)).moves.find((m) => m.tenant_id === tenant)
  if (!move) throw new Error(`no move of ${tenant}`)
  return move
}

const rowsQuery: Record<string, string> = {
  tenants: 'select r::text from tenants r where id = $1 order by 1',
  notes: 'select r::text from notes r where tenant_id = $1 order by 1',
  note_lines: `select r::text from note_lines r join notes n on n.id = r.note_id
    where n.tenant_id = $1 order by 1`,
  visits: 'select r::text from visits r where tenant_id = $1 order by 1',
}

/** Every row of the tenant as text, at one end. */
export async function rowsAt(world: World, end: 'source' | 'target', tenant: string) {
  const rows: string[] = []
  for (const table of tables) {
    const result = await world[end].pool.query(rowsQuery[table] ?? '', [tenant])
    rows.push(...result.rows.map((row: { r: string }) => `${table} ${row.r}`))
  }
  return rows
}

const write = `update notes set body = body || '.' where tenant_id = $1`

/** A write of the application: `accepted`, or how it was refused. */
export async function tryWrite(world: World, end: 'source' | 'target', tenant: string) {
  return await world[end].pool.query(write, [tenant]).then(
    () => 'accepted',
    (error: { code: string; hint: string }) => `${error.code} ${error.hint}`,
  )
}

/** Rows that come, change and go: notes, their lines and visits. */
export async function writeAt(world: World, end: 'source' | 'target', tenant: string) {
  for (const statement of [
    `update notes set body = body || '!' where tenant_id = $1`,
    `insert into notes (tenant_id, body) values ($1, 'at home'), ($1, 'and again')`,
    `insert into note_lines select max(id), 1, 'new' from notes where tenant_id = $1`,
    `delete from visits where tenant_id = $1 and hits = 3`,
  ]) {
    await world[end].pool.query(statement, [tenant])
  }
}

export async function expectHome(world: World, tenant: string, home: 'source' | 'target') {
  const away = home === 'source' ? 'target' : 'source'
  expect(await tryWrite(world, home, tenant)).toBe('accepted')
  expect(await tryWrite(world, away, tenant)).toBe('25006 rehome:fenced')
}

export async function flagsAt(world: World, end: 'source' | 'target') {
  const query = 'select tenant_id, mode from rehome.tenant_flags order by 1'
  const result = await world[end].pool.query(query)
  return result.rows.map((row: { tenant_id: string; mode: string }) => [row.tenant_id, row.mode])
}
