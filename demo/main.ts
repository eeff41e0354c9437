/**
 * The demonstration: forty tenants of a task tracker move to another server with another data
 * model, while their application goes on writing. Before that the source's schema is expanded. One
 * move fails and is tried again, one comes back; and the largest moves without a pause that it
 * would notice, and comes back with what it has written.
 *
 * `--exit` stops at the end, with exit code 0 only if every check held; without it everything stays
 * up for looking around until Ctrl-C. Whatever it starts ends with it.
 */
import pg from 'pg'
import { startTraffic, type Traffic } from './application/traffic.ts'
import { checkLedger } from './check-ledger.ts'
import { expandSource } from './expand.ts'
import { failingTenant, repairFault } from './fault.ts'
import { moveLargest } from './largest.ts'
import { readMetrics } from './metrics.ts'
import { type Check, isVerified, ledgerChecks, tenantTable, totals } from './outcome.ts'
import plan from './plan.ts'
import { showProgress, tell, tellPlain, visible } from './screen.ts'
import { type Stage, setStage } from './stage.ts'

/** This tenant writes nothing today, so its move can be undone without giving up a write. */
const quietTenant = 'acme'
/** Somebody always works there, so undoing its move would lose writes. */
const busyTenant = 'bluefin'

async function main(): Promise<number> {
  const interrupted = untilInterrupted()
  const stage = await Promise.race([setStage(tell), interrupted])
  if (typeof stage === 'number') return stage
  try {
    return await Promise.race([perform(stage), interrupted])
  } finally {
    tell('stopping everything')
    await stage.stop()
  }
}

async function perform(stage: Stage): Promise<number> {
  const { seeded, sourceUrl, targetUrl, boardUrl } = stage
  tell(`${seeded.tenants.length} tenants, ${seeded.rows.toLocaleString('en')} rows`)
  tell(`runs, tenants and Bull Board: ${boardUrl}/runs`)
  const tenants = seeded.tenants.map((tenant) => tenant.id).filter((id) => id !== quietTenant)
  await using traffic = await startTraffic({
    ...{ sourceUrl, targetUrl, tenants },
    writesPerSecond: 100,
    hold: '30s',
  })
  tell('the application is writing to random tenants, and will go on; what a fence refuses waits')
  const expanded = await expandSource({ ...stage, traffic })
  const checks = [...expanded, ...(await story(stage, traffic))]
  const report = await traffic.stop()
  tell('the application has stopped; counting its writes at both ends')
  const ledger = await checkLedger(traffic.ledger, stage)
  checks.push(...ledgerChecks(report, ledger))
  const metrics = await readMetrics(boardUrl)
  checks.push(metrics.check)
  const runs = await stage.rehome.runs()
  const ofRuns = await Promise.all(runs.map(async ({ id }) => await stage.rehome.status(id)))
  const all = ofRuns.flatMap(({ moves }) => moves)
  tellPlain(`\n${tenantTable(all, report)}\n\n${totals(all, report, ledger)}\n`)
  tellPlain(`curl ${boardUrl}/metrics\n${metrics.lines.join('\n')}\n`)
  for (const { what, held } of checks) tellPlain(`${held ? 'held  ' : 'FAILED'} ${what}`)
  const failed = checks.filter((check) => !check.held).length
  tellPlain(failed === 0 ? '\nEvery check held.' : `\n${failed} check(s) failed.`)
  if (!process.argv.includes('--exit')) {
    tellPlain(
      `\nLook around: ${boardUrl}/runs · the worker's log: ${stage.workerLog}\nCtrl-C ends it.`,
    )
    // Nothing else may be left that keeps the process alive.
    await new Promise(() => setInterval(() => {}, 60_000))
  }
  return failed === 0 ? 0 : 1
}

/** The run, the move that fails, the one that comes back, the one that may not. */
async function story(stage: Stage, traffic: Traffic): Promise<Check[]> {
  const { rehome, sourceUrl, targetUrl, seeded } = stage
  const [largest, ...others] = seeded.tenants.map((tenant) => tenant.id)
  const { runId } = await rehome.enqueue(plan, { tenants: others })
  const run = runId ?? ''
  tell(`enqueued run ${run}`)
  const first = await settled(rehome, run)
  const failed = first.filter((move) => move.phase === 'failed')
  const failing = failed.find((move) => move.tenant_id === failingTenant)
  tell(`${first.length - failed.length} moved, ${failed.length} failed`)
  tell(`${failingTenant}: ${failing?.error_code}: ${failing?.error_message}`)
  const writable = await accepts(sourceUrl, failingTenant)
  tell(`${failingTenant} can ${writable ? '' : 'NOT '}be written at the source meanwhile`)
  await repairFault(sourceUrl)
  await rehome.retry(run, { tenants: [failingTenant] })
  tell(`${failingTenant}: its people have corrected the row; trying again`)
  const retried = await settled(rehome, run)

  tell(`rolling ${quietTenant} back, where nothing was written since`)
  await rehome.rollback(run, { tenants: [quietTenant] })
  await settled(rehome, run)
  tell(`rolling ${busyTenant} back, where the application has written`)
  await rehome.rollback(run, { tenants: [busyTenant] })
  const last = await settled(rehome, run)
  const busy = last.find((move) => move.tenant_id === busyTenant)
  tell(`${busyTenant}: ${busy?.error_code}: ${busy?.error_message}`)
  const back = last.find((move) => move.tenant_id === quietTenant)
  const online = await moveLargest({ ...stage, traffic, tenant: largest ?? '', settled })
  return [
    {
      what: 'only the move that was made to fail has failed',
      held: failed.length === 1 && !!failing,
    },
    { what: 'its tenant could be written meanwhile', held: writable },
    {
      what: 'all tenants have moved after the retry',
      held: retried.every((m) => m.phase === 'moved'),
    },
    { what: 'every move was verified, both ways', held: retried.every(isVerified) },
    { what: `${visible(quietTenant)} is back`, held: back?.phase === 'rolled_back' },
    { what: 'the source is its home again', held: await accepts(sourceUrl, quietTenant) },
    { what: 'and the target is not', held: !(await accepts(targetUrl, quietTenant)) },
    {
      what: `${visible(busyTenant)} stays where its new writes are`,
      held: busy?.phase === 'moved' && busy.error_code === 'WRITES_WOULD_BE_LOST',
    },
    ...online,
  ]
}

type Library = Stage['rehome']

async function settled(rehome: Library, runId: string) {
  for await (const snapshot of rehome.watch(runId, { everyMs: 200 })) {
    showProgress(snapshot)
    if (snapshot.done) return snapshot.moves
  }
  throw new Error('the run was not watched to its end')
}

/** An ordinary write of the tenant, undone at once. */
async function accepts(url: string, tenant: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('update tenants set name = name where id = $1', [tenant])
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}

function untilInterrupted(): Promise<number> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(130))
    process.once('SIGTERM', () => resolve(143))
    process.once('SIGHUP', () => resolve(129))
  })
}

process.exit(await main())
