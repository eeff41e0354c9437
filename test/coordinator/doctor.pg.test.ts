// `rehome doctor`: each planted fault is named with its remedy, and nothing is named without one.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Diagnosis, kinds } from '../../src/coordinator/doctor/diagnosis.ts'
import { serverDiagnoses } from '../../src/coordinator/doctor/end-diagnoses.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { jobIdOf } from '../../src/queue/jobs.ts'
import { commonBackend } from '../helpers/backends.ts'
import { rehome } from '../helpers/command.ts'
import { eventually } from '../helpers/eventually.ts'
import { createWorld, installPlans, type World } from '../helpers/world.ts'

const windowed = { rollback: { windowMs: 60_000 } }

describe('an installation with one open move', () => {
  let world: World
  let [runId, moveId] = ['', '']

  beforeAll(async () => {
    world = await createWorld({ plan: windowed })
    await world.addTenant('acme')
    runId = (await world.rehome.enqueue(world.plan())).runId ?? ''
    moveId = (await world.rehome.show(runId, 'acme')).move.id
  })

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  const diagnose = async (oldS = 600) => await world.rehome.diagnose([world.plan()], { oldS })
  const at = async (end: 'source' | 'target' | 'control', query: string) =>
    (await world[end].pool.query(query)).rows
  const moves = async (change: string) =>
    await at('control', `update rehome_control.moves set ${change}`)
  const flag = (columns: string, values: string) =>
    `insert into rehome.tenant_flags (scope, tenant_id, token, epoch, reason, retry_after_s, ${columns})
     values ('default', 'acme', gen_random_uuid(), gen_random_uuid(), '', 1, ${values})`
  const noFlag = `delete from rehome.tenant_flags`
  const old = `now() - interval '1 h'`
  const untouched = `updated_at = ${old}, not_before = ${old}`
  const touched = `updated_at = now(), not_before = now()`

  test('nothing is found where nothing is wrong', async () => {
    expect(await diagnose()).toEqual([])
  })

  interface Fault {
    readonly kind: Diagnosis['kind']
    readonly says: RegExp
    readonly plant: () => Promise<unknown>
    readonly cure: () => Promise<unknown>
  }

  const queue = () => world.rehome.queues.byErrand.move
  const faults: readonly Fault[] = [
    {
      kind: 'not-installed',
      says: /missing: the guard of "notes" at the source → rehome init PLAN/,
      plant: () => at('source', 'alter table notes disable trigger user'),
      cure: () => installPlans(world, [world.plan()]),
    },
    {
      kind: 'not-installed',
      says: /missing: turns up to 99999, which the source has seen → rehome init PLAN/,
      plant: () =>
        at(
          'source',
          `insert into rehome.turns values ('default', 'acme', 99999, gen_random_uuid())`,
        ),
      cure: () => installPlans(world, [world.plan()]),
    },
    {
      kind: 'connections',
      says: /allows 13 connections, and one worker may open 14.*poolSize/,
      plant: () => limitConnections(13),
      cure: () => limitConnections(-1),
    },
    {
      kind: 'publication',
      says: /the source: publication "everything" carries rehome's own.*alter publication/,
      plant: () => at('source', 'create publication everything for all tables'),
      cure: () => at('source', 'drop publication everything'),
    },
    {
      kind: 'queue-paused',
      says: /"rehome-moves" is paused.*board/,
      plant: () => queue().pause(),
      cure: () => queue().resume(),
    },
    ...[untouched, `${untouched}, has_job = false`].map((change) => ({
      kind: 'move-waits' as const,
      says: /has touched 1 open moves for 600 s: "acme" of run small-.* rehome worker/,
      plant: () => moves(change),
      cure: () => moves(`${touched}, has_job = true`),
    })),
    {
      kind: 'job-missing',
      says: /1 open moves have no job.*rehome worker/,
      plant: async () => {
        await moves(untouched)
        await queue().remove(jobIdOf({ id: moveId, errand: 'move', generation: 0 }))
      },
      cure: () => moves(touched),
    },
    {
      kind: 'home-closed',
      says: /past the decision of a cutover.*rehome worker/,
      plant: () => moves(`${untouched}, phase = 'release'`),
      cure: () => moves(`${touched}, phase = 'queued'`),
    },
    {
      kind: 'directory-outdated',
      says: /1 tenants work at homes that .* directory lacks: "acme" of run/,
      plant: () => moves(`phase = 'release', error_code = 'DIRECTORY_NOT_UPDATED'`),
      cure: () => moves(`phase = 'queued', error_code = null`),
    },
    {
      kind: 'plan-differs',
      says: /need another version of it.*start a worker/,
      plant: () =>
        at('control', `update rehome_control.runs set plan_fingerprint = 'r' || plan_fingerprint`),
      cure: () =>
        at(
          'control',
          `update rehome_control.runs set plan_fingerprint = substr(plan_fingerprint, 2)`,
        ),
    },
    {
      kind: 'fence-lapsed',
      says: /"acme".*until then their first writer opens them/,
      plant: () =>
        at('source', flag('mode, move_id, expires_at', `'read_only', '${moveId}', ${old}`)),
      cure: () => at('source', noFlag),
    },
    {
      kind: 'flag-without-move',
      says: /"acme" \(receiving\).*CONTROL_URL/,
      plant: () => at('target', flag('mode, move_id', `'receiving', '${randomUUID()}'`)),
      cure: () => at('target', noFlag),
    },
    {
      kind: 'flag-of-ended-move',
      says: /fenced by moves that are over: "acme"/,
      plant: async () => {
        await moves(`open = false, phase = 'rolled_back'`)
        await at(
          'source',
          flag('mode, move_id, expires_at', `'read_only', '${moveId}', now() + interval '1 h'`),
        )
      },
      cure: async () => {
        await at('source', noFlag)
        await moves(`open = true, phase = 'queued'`)
      },
    },
    {
      kind: 'moved-flag-missing',
      says: /"acme" of run .*accepts their writes.*rehome read-only on/,
      plant: () => moves(`open = false, phase = 'moved'`),
      cure: () => moves(`open = true, phase = 'queued'`),
    },
    {
      kind: 'log-without-capture',
      says: /logs have changes of tenants that are not captured.*rehome worker/,
      plant: async () =>
        await at(
          'target',
          `insert into ${await logAt('target')} (rehome_tenant, rehome_children) values ('acme', false)`,
        ),
      cure: async () => await at('target', `delete from ${await logAt('target')}`),
    },
    {
      kind: 'quarantine',
      says: /"acme" \(1 rows\).*rehome show/,
      plant: () =>
        at(
          'target',
          `insert into rehome.quarantine (scope, tenant_id, epoch, table_name, key, message, content)
          values ('default', 'acme', gen_random_uuid(), 'notes', '1', 'no', '{}')`,
        ),
      cure: () => at('target', 'delete from rehome.quarantine'),
    },
  ]

  async function limitConnections(limit: number) {
    const name = (await at('source', 'select current_database() as name'))[0].name
    await at('source', `alter database ${name} connection limit ${limit}`)
  }

  async function logAt(end: 'source' | 'target'): Promise<string> {
    const query = `select format('%I.%I', 'rehome_log', relname) as name from pg_class
      where relnamespace = 'rehome_log'::regnamespace and relkind = 'r' order by 1 limit 1`
    return (await at(end, query))[0].name
  }

  test.each(faults)('$kind is named while it lasts', async ({ kind, says, plant, cure }) => {
    await plant()
    const found = await diagnose()
    await cure()
    expect([...new Set(found.map((one) => one.kind))]).toContain(kind)
    const texts = found.map(
      (one) => `${one.where}: ${one.message} → ${one.mend.replaceAll('`', '')}`,
    )
    expect(texts.filter((text) => says.test(text))).toHaveLength(1)
    expect((await diagnose()).filter((one) => one.kind === kind)).toEqual([])
  })

  test('transactions that a drain would wait for are named: idle ones, and prepared ones', async () => {
    const client = await world.source.pool.connect()
    await client.query(`begin; update notes set body = body where tenant_id = 'acme'`)
    const idle = await eventually(async () => {
      const found = (await diagnose(1)).filter(({ kind }) => kind === 'idle-transaction')
      expect(found).toHaveLength(1)
      return found[0]
    })
    expect(idle?.mend).toMatch(/^`select pg_terminate_backend\(\d+\)`/)
    await client.query(`prepare transaction 'it''s left'`)
    client.release()
    await eventually(async () => {
      expect((await diagnose(1)).filter(({ kind }) => kind === 'prepared-transaction')).toEqual([
        expect.objectContaining({
          mend: expect.stringContaining(`\`commit prepared 'it''s left'\``),
        }),
      ])
    })
    await at('source', `rollback prepared 'it''s left'`)
  })

  test('an end that cannot be reached is a finding, and the rest is looked at all the same', async () => {
    world.environment.WRONG_URL = world.source.url.replace(/:\d+\//, ':1/')
    const plan = world.plan({ source: postgres({ urlFrom: 'WRONG_URL' }) })
    const found = await world.rehome.diagnose([plan])
    expect(found.map(({ kind }) => kind).toSorted()).toEqual(['plan-differs', 'unreachable'])
    const unset = world.plan({ source: postgres({ urlFrom: 'UNSET_URL' }) })
    expect(await world.rehome.diagnose([unset])).toContainEqual(
      expect.objectContaining({
        where: 'plan "small"',
        message: expect.stringContaining('UNSET_URL'),
      }),
    )
  })

  test('the command prints each finding with its remedy, and ends with 3', async () => {
    await moves(untouched)
    const found = await rehome(['doctor'], world.environment)
    await moves(touched)
    expect(found).toMatchObject({ code: 3, error: '' })
    expect(found.out).toMatch(
      /^(job-missing|move-waits) · the queue\n {2}.*\n {2}→ start a worker .*\n1 finding/,
    )
    const json = await rehome(['doctor', '--json'], world.environment)
    expect([json.code, JSON.parse(json.out)]).toEqual([0, { findings: [], nextSteps: [] }])
  })
})

test('clocks that differ, a full queue of notifications and an old server are named', () => {
  const server = {
    ...{ version: '18.1', versionNumber: 180_001 },
    connectionsMax: 9,
    limitedBy: '',
    notifyUsed: 0,
    clockAheadMs: 0,
    roundTripMs: 5,
  }
  const found = (changes: object) => serverDiagnoses('x', { ...server, ...changes })
  expect(found({})).toEqual([])
  expect(found({ clockAheadMs: 4_000, roundTripMs: 3_000 })).toEqual([])
  expect(found({ clockAheadMs: -4_000 })).toMatchObject([
    { kind: 'clock', message: expect.stringContaining('3995 ms behind') },
  ])
  expect(found({ notifyUsed: 0.3 })).toMatchObject([
    { kind: 'notify-queue', message: expect.stringContaining('full to 30 %') },
  ])
  expect(found({ version: '12.22', versionNumber: 120_022 })).toMatchObject([
    { kind: 'version', message: expect.stringContaining('12.22 is older than 13') },
  ])
})

const redisUrl = commonBackend()?.redisUrl

test.skipIf(!redisUrl)('a Redis that may drop jobs is named', async () => {
  await using world = await createWorld()
  const redis = new Redis(redisUrl ?? '')
  try {
    expect(await world.rehome.diagnose([])).toEqual([])
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    expect(await world.rehome.diagnose([])).toMatchObject([{ kind: 'queue-eviction' }])
  } finally {
    await redis.config('SET', 'maxmemory-policy', 'noeviction')
    redis.disconnect()
  }
})

test('every kind of finding is documented', async () => {
  const page = await readFile('docs/doctor.md', 'utf8')
  const sections = [...page.matchAll(/^### `([\w-]+)`/gm)].map(([, kind]) => kind)
  expect(sections.toSorted()).toEqual([...kinds].toSorted())
})
