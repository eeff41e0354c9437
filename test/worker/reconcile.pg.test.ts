// A server of one plan that hangs: the loop of the worker goes on for its other plans, and for the
// other end.
import { expect, test } from 'vitest'
import { startTcpProxy } from '../../dev/tcp-proxy.ts'
import { startReconcile } from '../../jobs/reconcile.ts'
import { closeControl, openControl } from '../../src/control/database.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { createLog } from '../../src/log.ts'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import { eventually } from '../helpers/eventually.ts'
import { flagsAt } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

/** A fence whose lease has lapsed, of a move that no attempt follows. */
const lapsed = `insert into rehome.tenant_flags
  (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, expires_at)
  values ($1, 'acme', 'read_only', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
    'a test', 1, clock_timestamp() - interval '1 s')`

test('a source that hangs keeps no lapsed fence of another plan or of the target', async () => {
  await using world = await createWorld()
  const url = new URL(world.source.url)
  await using proxy = await startTcpProxy({ to: { host: url.hostname, port: Number(url.port) } })
  url.port = String(proxy.port)
  url.hostname = '127.0.0.1'
  const hangs = { ...world.environment, SOURCE_URL: url.href }
  const open = (scope: string, environment: NodeJS.ProcessEnv) => {
    const plan = checkPlan(world.plan({ name: scope, scope }))
    return { plan, fingerprint: fingerprintOf(plan), ends: openEnds(plan, environment) }
  }
  const plans = [open('hangs', hangs), open('other', world.environment)]
  const control = openControl(world.control.url)
  const log = createLog({ level: 'silent' })
  const { queues } = world.rehome
  const everyMs = 100
  // Let it tidy its logs once, and then hang at whatever it does next.
  const end = startReconcile({ control, queues, plans, log, everyMs })
  await eventually(() => expect(proxy.connections).toBeGreaterThan(0))
  proxy.freeze()
  const closed = async (at: 'source' | 'target', scope: string) => {
    await world[at].pool.query(lapsed, [scope])
    await eventually(async () => expect(await flagsAt(world, at)).toEqual([]), { withinMs: 10_000 })
  }
  for (let looks = 0; looks < 3; looks += 1) {
    await closed('target', 'hangs')
    await closed('source', 'other')
  }
  proxy.thaw()
  await end()
  await Promise.all(plans.map(({ ends }) => closeEnds(ends)))
  await closeControl(control)
})
