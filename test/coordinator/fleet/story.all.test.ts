// The story of a fleet: 2,000 tenants in four waves, steered by commands while they move, with a
// worker and a Redis that die on the way. What holds the run back is read from `status`.
import { describe, expect, test } from 'vitest'
import { findRedisProgram } from '../../../dev/redis/redis-program.ts'
import { workerProcess } from '../../faults/worker-process.ts'
import { rehome } from '../../helpers/command.ts'
import { eventually } from '../../helpers/eventually.ts'
import { startSentinelSet } from '../../helpers/processes/redis-sets.ts'
import { expectHome, tryWrite } from '../../helpers/runs.ts'
import { createWorld, type World } from '../../helpers/world.ts'

const size = 2_000
const minutes = 60_000
const without = findRedisProgram() ? '' : ', skipped: no Redis is installed'

const waves = [
  { tenants: ['t0', 't1', 't2'], name: 'our own', approve: true },
  { percent: 2, name: 'a few' },
  { percent: 25, name: 'a quarter', soak: '3s' },
  { rest: true },
] as const

/** Opens in two minutes at the latest, and closes before the next day. */
function soonOpen() {
  const at = new Date(Date.now() + 2 * minutes)
  const opens = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
  return { opens, for: '12h', zone: 'UTC' }
}

/** The commands of a person, each of which has to succeed. */
function commandsOf({ environment }: World, run: string) {
  const ask = async (name: string, ...more: string[]) => {
    const { code, out, error } = await rehome([name, run, ...more], environment)
    expect([name, code, error]).toEqual([name, 0, expect.any(String)])
    return out
  }
  const phase = async (is: string) => {
    const page = JSON.parse(await ask('status', '--json', '--limit', '1'))
    const runs = JSON.parse((await rehome(['status', '--json'], environment)).out)
    const own = runs.runs.find(({ id }: { id: string }) => id === run)
    return { count: own.phases[is] ?? 0, open: own.open, notices: page.notices as string[] }
  }
  return {
    ask,
    phase,
    /** Waits until `status` has a notice like this. */
    notice: async (text: RegExp) =>
      await eventually(
        async () => {
          expect((await phase('moved')).notices).toContainEqual(expect.stringMatching(text))
        },
        { withinMs: 10 * minutes },
      ),
    reaches: async (is: string, count: number) =>
      await eventually(async () => expect((await phase(is)).count).toBeGreaterThanOrEqual(count), {
        withinMs: 25 * minutes,
      }),
  }
}

async function fill({ source }: World): Promise<void> {
  await source.pool.query(`
    insert into tenants select 't' || g, 'name' from generate_series(0, ${size - 1}) g;
    insert into notes (tenant_id, body) select 't' || g, 'text' from generate_series(0, ${size - 1}) g`)
}

/** Rows in the way of three tenants of the wave. */
async function block({ source, target, control }: World, run: string, wave: number) {
  const query = `select tenant_id as id from rehome_control.moves where run_id = $1 and wave = $2
    order by place limit 3`
  const { rows } = await control.pool.query<{ id: string }>(query, [run, wave])
  const tenants = rows.map(({ id }) => id)
  const own = 'select id from notes where tenant_id = any($1)'
  const notes = (await source.pool.query<{ id: number }>(own, [tenants])).rows.map(({ id }) => id)
  await target.pool.query(`insert into tenants values ('x', 'x')`)
  const inTheWay = `insert into notes (id, tenant_id, body) select unnest($1::int[]), 'x', 'other'`
  await target.pool.query(inTheWay, [notes])
  return async () => void (await target.pool.query(`delete from notes where tenant_id = 'x'`))
}

async function rowsByTenant({ source, target }: World, end: 'source' | 'target') {
  const { rows } = await { source, target }[end].pool.query<{ id: string }>(
    `select tenant_id as id from notes where tenant_id <> 'x' order by 1`,
  )
  return rows.map(({ id }) => id)
}

/** A person approves the first wave; three tenants of the second one fail, and stop the run. */
async function passFirstWaves(
  { ask, notice, phase }: ReturnType<typeof commandsOf>,
  unblock: () => Promise<void>,
) {
  await notice(/^1 of 4 waves have begun; wave 1 \(our own\) waits for a person: `rehome approve/)
  expect(await phase('moved')).toMatchObject({ count: 3, open: size - 3 })
  await ask('approve', '--wave', '1', '--reason', 'no complaint')

  // Three of the second wave fail, and the plan stops the run.
  await notice(/^paused by the plan since \S+ \(stopWhen.failed: 3 move\(s\) failed/)
  await unblock()
  await ask('retry', '--no-wait')
  await ask('resume', '--reason', 'rows in the way are gone')
}

async function bringSomeBack(world: World, run: string) {
  const { ask, phase } = commandsOf(world, run)
  const share = ['rollback', run, '--all', '--percent', '5', '--dry-run']
  expect((await rehome(share, world.environment)).error).toMatch(/\d+ tenants/)
  await ask('rollback', '--all', '--percent', '5', '--no-wait', '--reason', 'too slow')
  await eventually(async () => expect((await phase('moved')).open).toBe(0), {
    withinMs: 10 * minutes,
  })
  const { count: back } = await phase('rolled_back')
  expect(back).toBeGreaterThan(size * 0.03)
  expect(back).toBeLessThan(size * 0.07)
}

/** No tenant is lost, and none is at two places. */
async function expectAllHome(world: World, run: string, off: readonly string[]) {
  const events = (await world.rehome.history(run)).map(({ kind, by }) => `${kind} by ${by}`)
  expect(events.toReversed()).toEqual([
    expect.stringMatching(/^approved by /),
    'wave by the plan',
    'paused by the plan',
    expect.stringMatching(/^resumed by /),
    'wave by the plan',
    expect.stringMatching(/^cancelled by /),
    'wave by the plan',
  ])
  const home = new Map<string, string>()
  for (const move of (await world.rehome.status(run)).moves) home.set(move.tenant_id, move.phase)
  const moved = [...home].filter(([, is]) => is === 'moved').map(([tenant]) => tenant)
  expect((await rowsByTenant(world, 'target')).toSorted()).toEqual(
    expect.arrayContaining(moved.toSorted()),
  )
  expect((await rowsByTenant(world, 'source')).length).toBe(size)
  await expectHome(world, 't7', 'target')
  expect(await tryWrite(world, 'source', off[0] ?? '')).toBe('accepted')
}

describe.skipIf(without !== '')(`a fleet of ${size} tenants${without}`, () => {
  test(
    'moves in waves as it is steered, whatever dies',
    async () => {
      await using set = await startSentinelSet()
      const backend = { name: 'redis', redisUrl: set.url } as const
      const plan = { concurrency: 4, attempts: 1, fence: { leaseMs: 15_000, drainMs: 5_000 } }
      await using world = await createWorld({ backend, plan })
      await fill(world)
      const windows = (tenant: string) => (tenant === 't7' ? soonOpen() : null)
      const stopWhen = { failed: 3 }
      const { runId, waves: planned } = await world.rehome.enqueue(
        world.plan({ waves, stopWhen, windows }),
      )
      const run = runId ?? ''
      const commands = commandsOf(world, run)
      const { ask, notice, phase, reaches } = commands
      expect(planned.map(({ name }) => name)).toEqual(['our own', 'a few', 'a quarter', 'rest'])
      const unblock = await block(world, run, 2)
      await using _one = await world.work()
      const dying = await workerProcess(world, { PLAN_CHANGES: JSON.stringify(plan) })

      await passFirstWaves(commands, unblock)

      // The third wave begins by itself. A worker dies in it, then Redis does.
      const third = 3 + (planned[1]?.tenants ?? 0)
      await reaches('moved', third + 5)
      dying.kill('SIGKILL')
      await reaches('moved', third + 15)
      await set.killMaster()
      await reaches('moved', third + 25)
      await using _three = await world.work()
      await rehome(['concurrency', '2'], world.environment)
      await notice(/2 moves? at once/)
      await rehome(['concurrency', 'none'], world.environment)

      // One tenant waits for its window. Two are called off before the last wave begins.
      const first = third + (planned[2]?.tenants ?? 0)
      const last = `select tenant_id as id from rehome_control.moves where run_id = $1 and wave = 4
      and tenant_id <> 't7' order by place desc limit 2`
      const off = (await world.control.pool.query<{ id: string }>(last, [run])).rows.map(
        (m) => m.id,
      )
      await ask('cancel', '--tenant', ...off, '--reason', 'they asked for it')
      await reaches('moved', first + 5)
      expect(await phase('failed')).toMatchObject({ count: 2 })
      await reaches('moved', size - 2)
      expect(await phase('moved')).toMatchObject({ count: size - 2, open: 0, notices: [] })

      await bringSomeBack(world, run)
      await expectAllHome(world, run, off)
    },
    60 * minutes,
  )
})
