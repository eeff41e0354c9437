// `rehome repair`: mends what can lose no data and open no home, and leaves the rest with a reason.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { jobIdOf } from '../../src/queue/jobs.ts'
import { rehome } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { tryWrite } from '../helpers/runs.ts'
import { createWorld, installPlans } from '../helpers/world.ts'

test('repair mends guards, jobs and logs, leaves fences, and is done once', async () => {
  await using file = await writePlanFile("['acme']", 'rollback: { windowMs: 60_000 }')
  await using world = await createWorld()
  await installPlans(world, [file.plan])
  await world.addTenant('acme')
  const { runId } = await world.rehome.enqueue(file.plan)
  const { move } = await world.rehome.show(runId ?? '', 'acme')
  const at = async (end: 'source' | 'target' | 'control', query: string) =>
    (await world[end].pool.query(query)).rows
  await at('source', 'alter table notes disable trigger user')
  const hourAgo = `now() - interval '1 h'`
  await at(
    'control',
    `update rehome_control.moves set updated_at = ${hourAgo}, not_before = ${hourAgo}`,
  )
  const job = jobIdOf(move)
  await world.rehome.queues.byErrand.move.remove(job)
  await at(
    'target',
    `insert into rehome.tenant_flags (scope, tenant_id, token, epoch, reason, retry_after_s, mode, move_id)
     values ('default', 'lost', gen_random_uuid(), gen_random_uuid(), '', 1, 'receiving', '${randomUUID()}')`,
  )
  const [log] = await at(
    'target',
    `select format('%I.%I', 'rehome_log', relname) as name from pg_class
     where relnamespace = 'rehome_log'::regnamespace and relkind = 'r' order by 1 limit 1`,
  )
  await at(
    'target',
    `insert into ${log.name} (rehome_tenant, rehome_children) values ('acme', false)`,
  )

  const command = async (...args: string[]) => {
    const ran = await rehome(['repair', file.path, '--json', ...args], world.environment)
    const { repairs, left } = JSON.parse(ran.out)
    const kinds = (list: { finding: { kind: string } }[]) =>
      list.map((one) => one.finding.kind).toSorted()
    return { code: ran.code, repairs: kinds(repairs), left: kinds(left) }
  }
  const mended = ['job-missing', 'log-without-capture', 'not-installed']
  expect(await command()).toEqual({ code: 3, repairs: mended, left: ['flag-without-move'] })
  expect(await world.rehome.queues.byErrand.move.getJob(job)).toBeUndefined()
  const after = { code: 3, left: ['flag-without-move', 'move-waits'] }
  expect(await command('--apply')).toEqual({ ...after, repairs: mended })
  expect(await world.rehome.queues.byErrand.move.getJob(job)).toBeDefined()
  expect(await at('target', `select from ${log.name}`)).toEqual([])
  expect(await at('target', 'select mode from rehome.tenant_flags')).toEqual([
    { mode: 'receiving' },
  ])
  expect(await command('--apply')).toEqual({ ...after, repairs: [] })
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  const text = await rehome(['repair', file.path], world.environment)
  expect(text.out).toMatch(
    /flag-without-move · .*\n.*\n {2}left: it would open a home of a move.*\n {2}→ set CONTROL_URL/,
  )
  expect(text.out).toMatch(/\n0 would be done, 2 left\n$/)
})
