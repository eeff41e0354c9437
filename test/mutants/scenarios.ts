// Schedules that end with a lost write wherever a protecting line is gone, and with none where it
// stands. Each is deterministic: who waits is seen waiting, and nothing depends on time.
import type { Pool } from '../../src/postgres.ts'
import { type Fenced, rowsOf, takeSnapshot } from '../helpers/fence/fenced.ts'
import { createMover, type Mover } from '../helpers/fence/mover.ts'
import { noteOf, type Tenant } from '../helpers/fence/schema.ts'
import { closeGate, codeOf, type Level, openWriter, writeAtGate } from '../helpers/fence/writer.ts'

export interface Stage {
  readonly db: Fenced
  /** The mover's pool; a mutant of its statements changes them there. */
  readonly pool: Pool
}

/** Returns what was lost, in words; null: nothing. */
export type Scenario = (stage: Stage) => Promise<string | null>

const moverOf = ({ db, pool }: Stage, tenant: Tenant | '*' = 'acme') =>
  createMover(db, tenant, { pool })

interface Written {
  readonly write?: string
  /** `*`: the whole application. */
  readonly fenced?: Tenant | '*' | undefined
}

export const newVisit = `insert into public.visits values ('acme', '2026-02-02', 1)`

/** The rows that a copy brings when the drain says that it may begin. */
async function copyOf(db: Fenced, tenant: Tenant = 'acme'): Promise<string[]> {
  await using snapshot = await takeSnapshot(db)
  return await snapshot.rows(tenant)
}

async function lostSince(db: Fenced, copied: readonly string[]): Promise<string | null> {
  const rows = await rowsOf(db.pool, 'acme')
  const missing = rows.filter((row) => !copied.includes(row))
  const extra = copied.filter((row) => !rows.includes(row))
  if (missing.length + extra.length === 0) return null
  return `not as copied: ${[...missing, ...extra].join(', ')}`
}

/** Short, because a writer that is waited for ends only when the wait is over. */
const drains = async (mover: Mover) => (await codeOf(mover.drain(100))) === 'accepted'

/** It has written before the fence, and commits when the copy is done. */
export const wroteBefore =
  (level: Level, { write = newVisit, fenced }: Written = {}): Scenario =>
  async (stage) => {
    await using writer = await openWriter(stage.db, level)
    await writer.write(write)
    const mover = moverOf(stage, fenced)
    await mover.raise()
    if (!(await drains(mover))) return null
    const copied = await copyOf(stage.db)
    await writer.commit()
    return await lostSince(stage.db, copied)
  }

/** Its snapshot is older than the fence, and it writes when the copy is done. */
export const oldSnapshot =
  (level: Level, { write = newVisit, fenced }: Written = {}): Scenario =>
  async (stage) => {
    await using writer = await openWriter(stage.db, level)
    await rowsOf(writer.client, 'acme')
    const mover = moverOf(stage, fenced)
    await mover.raise()
    await mover.drain()
    const copied = await copyOf(stage.db)
    await writer.write(write)
    await writer.commit()
    return await lostSince(stage.db, copied)
  }

/** It stands still inside the guard while the fence is raised; see `gateInGuard`. */
export const inTheGuard =
  (write = newVisit): Scenario =>
  async (stage) => {
    await using writer = await openWriter(stage.db, 'read committed')
    await writer.client.query('set local test.gated = guard')
    const gate = await closeGate(stage.db)
    const { answer } = await writeAtGate(stage.db, writer, write)
    const copied = await fencedCopy(stage)
    await gate.open()
    await answer
    await writer.commit()
    return await lostSince(stage.db, copied)
  }

async function fencedCopy(stage: Stage, fenced?: Tenant | '*'): Promise<string[]> {
  const mover = moverOf(stage, fenced)
  await mover.raise()
  await mover.drain()
  return await copyOf(stage.db)
}

/** A new write, when the copy is done. */
export const writesLater =
  (write: string, fenced?: Tenant | '*'): Scenario =>
  async (stage) => {
    const copied = await fencedCopy(stage, fenced)
    await using writer = await openWriter(stage.db)
    await writer.write(write)
    return await lostSince(stage.db, copied)
  }

/** The parent of a row comes to the tenant while a writer of that row is in the guard. */
export const parentComesMeanwhile: Scenario = async (stage) => {
  const { db } = stage
  await using writer = await openWriter(db, 'read committed')
  await writer.client.query('set local test.gated = guard')
  const gate = await closeGate(db)
  const { answer } = await writeAtGate(db, writer, newLine)
  await db.pool.query(parentComes)
  const copied = await fencedCopy(stage)
  await gate.open()
  await answer
  await writer.commit()
  return await lostSince(db, copied)
}

const newLine = `insert into note_lines values (${noteOf('acme too')}, 7, 'new')`
const parentComes = `update notes set tenant_id = 'acme' where id = ${noteOf('acme too')}`

/** A row is written below a parent that comes to the tenant before the row is committed. */
export const parentComesBeforeCommit =
  (level: Level): Scenario =>
  async (stage) => {
    const { db } = stage
    await using child = await openWriter(db, level)
    await child.write(newLine)
    await using parent = await openWriter(db)
    await parent.client.query(`set lock_timeout = '100ms'`)
    await parent.write(parentComes)
    const copied = await fencedCopy(stage)
    await child.commit()
    return await lostSince(db, copied)
  }

/** The parent has come to the tenant, and a writer's snapshot is older than that. */
export const parentCameSince: Scenario = async (stage) => {
  const { db } = stage
  await using child = await openWriter(db, 'repeatable read')
  await rowsOf(child.client, 'acme')
  await db.pool.query(parentComes)
  const copied = await fencedCopy(stage)
  await child.write(newLine)
  await child.commit()
  return await lostSince(db, copied)
}

/** The parent of a row was born since the writer's snapshot, and no foreign key says so. */
export const parentBornSince: Scenario = async (stage) => {
  const { db } = stage
  await using child = await openWriter(db)
  await child.client.query('set session_replication_role = replica')
  await child.client.query('begin isolation level repeatable read')
  await rowsOf(child.client, 'acme')
  await db.pool.query(`insert into notes values (99, 'acme')`)
  const mover = moverOf(stage)
  await child.write(`insert into note_lines values (99, 1, 'new')`)
  await mover.raise()
  if (!(await drains(mover))) return null
  const copied = await copyOf(db)
  await child.commit()
  return await lostSince(db, copied)
}

/** The parent of a row has no tenant, and gets one before the row is committed. */
export const parentGetsATenant =
  (level: Level, write: string): Scenario =>
  async (stage) => {
    const { db } = stage
    await db.pool.query(`alter table notes alter tenant_id drop not null;
      insert into notes (id) values (99); insert into note_lines values (99, 1, 'old')`)
    await using child = await openWriter(db, level)
    await child.write(write)
    await db.pool.query(`update notes set tenant_id = 'acme' where id = 99`)
    const mover = moverOf(stage)
    await mover.raise()
    if (!(await drains(mover))) return null
    const copied = await copyOf(db)
    await child.commit()
    return await lostSince(db, copied)
  }

/** The parent of a row gets a tenant from a transaction for which the drain waits. */
export const parentGetsATenantInTheDrain =
  (level: Level, write: string): Scenario =>
  async (stage) => {
    const { db } = stage
    await db.pool.query('alter table notes alter tenant_id drop not null')
    await db.pool.query('insert into notes (id) values (99)')
    await using parent = await openWriter(db, 'read committed')
    await parent.write(`update notes set tenant_id = 'acme' where id = 99`)
    const mover = moverOf(stage)
    await mover.raise()
    const drain = await mover.drainThatWaits(1_000)
    await using child = await openWriter(db, level)
    await child.write(level === 'read committed' ? write : 'select')
    await parent.commit()
    if ((await codeOf(drain.done)) !== 'accepted') return null
    const copied = await copyOf(db)
    if (level !== 'read committed') await child.write(write)
    await child.commit()
    return await lostSince(db, copied)
  }

/** A session that fires no ordinary triggers. */
export const asReplica: Scenario = async (stage) => {
  const copied = await fencedCopy(stage)
  await using writer = await openWriter(stage.db)
  await writer.client.query('set session_replication_role = replica')
  await writer.write(newVisit)
  return await lostSince(stage.db, copied)
}

/** A lease has lapsed, a writer was let in, and the mover wakes up and cuts over. */
export const cutsOverAfterALapse =
  (level: Level): Scenario =>
  async (stage) => {
    const mover = moverOf(stage)
    await mover.raise()
    await mover.drain()
    const copied = await copyOf(stage.db)
    await mover.lapse()
    await using writer = await openWriter(stage.db, level)
    await writer.write(newVisit)
    await writer.commit()
    return (await mover.cutOver()) ? await lostSince(stage.db, copied) : null
  }

/** The lease of a rollback's fence has lapsed, and the tenant may still be brought back. */
export const lapsesInTheWindow: Scenario = async (stage) => {
  const mover = moverOf(stage)
  await mover.raise()
  await stage.db.pool.query(
    `update rehome.tenant_flags set capture_until = clock_timestamp() + interval '1 hour'`,
  )
  await mover.lapse()
  await using writer = await openWriter(stage.db, 'read committed')
  await writer.write(newVisit)
  await writer.commit()
  const { rows } = await stage.db.pool.query('select mode from rehome.tenant_flags')
  return rows[0]?.mode === 'capturing' ? null : 'a write that may have to go back was not logged'
}

/**
 * A writer has met a lapsed lease, and before it can open the fence the mover commits. The fence of
 * another tenant may have lapsed, too.
 */
export const moverCommitsFirst =
  (step: 'renew' | 'cutOver', another?: Tenant): Scenario =>
  async (stage) => {
    const mover = moverOf(stage)
    if (another) await moverOf(stage, another).raiseLapsed()
    await mover.raiseLapsed()
    await using writer = await openWriter(stage.db, 'read committed')
    await writer.client.query('set local test.gated = lapse')
    const gate = await closeGate(stage.db)
    const { answer } = await writeAtGate(stage.db, writer, newVisit)
    await mover[step]()
    await gate.open()
    const accepted = (await answer) === 'accepted'
    await writer.commit()
    return accepted ? `accepted, though the mover's ${step} was first` : null
  }

/** A writer has opened a lapsed fence, and its transaction stays open. */
export const anotherOpensIt: Scenario = async (stage) => {
  await moverOf(stage).raiseLapsed()
  await using first = await openWriter(stage.db, 'read committed')
  await first.write(newVisit)
  await using second = await openWriter(stage.db)
  await second.client.query(`set lock_timeout = '100ms'`)
  const code = await second.write(newVisit.replace('02-02', '02-03'))
  return code === '25006' ? null : `${code} instead of a refusal at once`
}

/** A writer may open its own tenant's fence, and no other tenant's. */
export const opensAnothersFence: Scenario = async (stage) => {
  const [mine, others] = [moverOf(stage), moverOf(stage, 'beta')]
  await others.raiseLapsed()
  await mine.raiseLapsed()
  await codeOf(stage.db.pool.query(newVisit))
  return (await others.flag()) === null ? 'the fence of another tenant fell' : null
}

/** A plan makes a row of one tenant's into one of another, who has no flag. */
export const writesForAnother: Scenario = async (stage) => {
  const mover = moverOf(stage)
  await mover.raise()
  const one = stage.db.moverPool({ size: 1 })
  await one.query(`select set_config('rehome.token', $1, false)`, [mover.hold.token])
  const code = await codeOf(one.query(newVisit.replace('acme', 'beta')))
  return code === '23514' ? null : `a row of another tenant came: ${code}`
}
