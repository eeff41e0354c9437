// A worker as a process of its own, to be killed or stopped: takes the small world's plan from its
// environment. With FAIL_TENANT it tells of each call that it makes for that tenant; with FAIL_AT
// it sends itself FAIL_SIGNAL at one of them, or blocks its event loop for 9 s. With WRITES,
// the variable of a URL, the tenant writes there meanwhile (meanwhile.ts). With HOLD it begins when
// it is sent a line.
import { once } from 'node:events'
import { startWorker } from '../../../jobs/worker.ts'
import { createLog } from '../../../src/log.ts'
import { hearCalls } from '../moments/call-points.ts'
import { isTimeToWrite, writesOf } from '../moments/meanwhile.ts'
import { createWriter } from '../moments/writes-between.ts'
import { smallPlan } from '../small-plan.ts'

const { PLAN_CHANGES, FAIL_TENANT, FAIL_AT, FAIL_SIGNAL, WRITES } = process.env
const write = WRITES ? createWriter(process.env[WRITES] ?? '') : null
if (FAIL_TENANT !== undefined) {
  hearCalls(FAIL_TENANT, (point) => {
    if (isTimeToWrite(point)) write?.(writesOf(FAIL_TENANT))
    if (FAIL_AT === undefined) process.stdout.write(`${JSON.stringify(point)}\n`)
    if (FAIL_AT !== point.name && FAIL_AT !== point.place) return
    process.stdout.write(`${JSON.stringify({ ...point, stopped: true })}\n`)
    if (FAIL_SIGNAL === 'BLOCK') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 9_000)
    else process.kill(process.pid, FAIL_SIGNAL)
  })
}
if (process.env.HOLD) await once(process.stdin, 'data')
const changes = JSON.parse(PLAN_CHANGES ?? '{}')
// Who is asked over HTTP is not asked for tenants by SQL; and a worker asks for none.
if (changes.source?.kind === 'http') changes.tenants ??= async function* () {}
const worker = await startWorker({
  plans: [smallPlan(changes)],
  log: createLog({ level: 'silent' }),
  lockMs: 3000,
})
process.once('SIGTERM', () => void worker.close())
process.stdin.destroy()
process.stdout.write('ready\n')
