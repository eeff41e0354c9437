// What the doctor says of rights and of disks: each right that is taken away is named with the
// statement that gives it back, and a role with what examples/roles give lacks none.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { expect, test } from 'vitest'
import {
  controlRights,
  diskDiagnoses,
  ownRights,
} from '../../src/coordinator/doctor/server-diagnoses.ts'
import { keptRoom } from '../../src/ends/postgres/health.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { createRolesWorld } from '../access/roles-world.ts'
import { createDatabase } from '../helpers/database.ts'
import { createWorld } from '../helpers/world.ts'

test('a right that a role lacks is named, and the command of the finding gives it', async () => {
  await using world = await createRolesWorld({ plan: { rollback: { windowMs: 60_000 } } })
  const rights = async () =>
    (await world.rehome.diagnose([world.plan()])).filter(({ kind }) => kind === 'rights')
  expect(await rights()).toEqual([])
  const taken = [
    ['source', 'mover', 'select on notes', /SELECT on public\.notes/],
    ['source', 'mover', 'update on rehome.tenant_flags', /UPDATE on rehome\.tenant_flags/],
    ['source', 'mover', 'update on rehome.checkpoints', /UPDATE on rehome\.checkpoints/],
    ['target', 'mover', 'insert, delete on visits', /DELETE, INSERT on public\.visits/],
    ['target', 'mover', 'usage on schema rehome_log', /USAGE on schema rehome_log/],
    ['control', 'control', 'delete on rehome_control.events', /DELETE on rehome_control\.events/],
    ['control', 'control', 'update on rehome_control.server_slots', /UPDATE .*server_slots/],
    [
      ...(['control', 'control'] as const),
      'update (events_gone_until, events_gone_after) on rehome_control.runs',
      /UPDATE \(events_gone_until, events_gone_after\) on rehome_control\.runs/,
    ],
  ] as const
  for (const [place, role, right, says] of taken) {
    const name = world.roleAt(place, role)
    await world[place].pool.query(`revoke ${right} from ${pg.escapeIdentifier(name)}`)
    const [found, ...others] = await rights()
    expect(others).toEqual([])
    expect(found?.where).toContain(place)
    expect(found?.message).toMatch(says)
    expect(found?.message).toContain(`our role "${name}"`)
    const [, grants = ''] = /^`(.*)`/.exec(found?.mend ?? '') ?? []
    await world[place].pool.query(grants)
    expect(await rights()).toEqual([])
  }
})

test('each table of ours whose rights are looked at is there', async () => {
  await using world = await createWorld()
  const plan = checkPlan(world.plan({ strategy: 'online', rollback: { windowMs: 60_000 } }))
  const of = (name: 'source' | 'target') => ownRights(plan, { name })
  const lists = { control: controlRights, source: of('source'), target: of('target') }
  for (const [place, wanted] of Object.entries(lists)) {
    const names = wanted.filter(({ table }) => table !== '*').map((w) => `${w.schema}.${w.table}`)
    const query = 'select name from unnest($1::text[]) w (name) where to_regclass(name) is null'
    const missing = await world[place as keyof typeof lists].pool.query(query, [names])
    expect([place, missing.rows]).toEqual([place, []])
  }
})

test('a slot without a reader and logs that have grown are named, from a size on', async () => {
  await using database = await createDatabase()
  const slot = `left_${randomUUID().slice(0, 8)}`
  await database.pool.query('select pg_create_physical_replication_slot($1, true)', [slot])
  try {
    const room = await keptRoom(database.pool)
    const own = { logBytes: 3 * 1024 ** 3, slots: room.slots.filter((one) => one.slot === slot) }
    expect(own.slots).toEqual([{ slot, isActive: false, bytes: expect.any(Number) }])
    expect(diskDiagnoses('here', { ...own, logBytes: room.logBytes }, 1024 ** 3)).toEqual([])
    expect(diskDiagnoses('here', own, -1)).toMatchObject([
      { kind: 'disk', mend: expect.stringContaining(`pg_drop_replication_slot('${slot}')`) },
      { kind: 'disk', message: expect.stringContaining('take 3.0 GiB') },
    ])
    const read = own.slots.map((one) => ({ ...one, isActive: true }))
    expect(diskDiagnoses('here', { slots: read, logBytes: 0 }, 0)).toEqual([])
  } finally {
    await database.pool.query('select pg_drop_replication_slot($1)', [slot])
  }
})
