/** Lives through one case: builds it, plans it, checks it, moves it, and asks the oracle. */
import { setTimeout as delay } from 'node:timers/promises'
import { install } from '../src/coordinator/installation.ts'
import { messageOf } from '../src/errors.ts'
import type { Finding } from '../src/plan/catalogs/catalog.ts'
import { checkPlan } from '../src/plan/check-plan.ts'
import type { PlanInput } from '../src/plan/plan.ts'
import type { Case, Step } from './cases/case.ts'
import { insertSql, sqlOf } from './cases/case-sql.ts'
import { type MadePlan, makePlan, tenantSql } from './cases/make-plan.ts'
import { askOfDemands } from './demands.ts'
import { type Ended, type Errands, openErrands } from './errands.ts'
import { type Fault, shapeOf } from './fault.ts'
import { type Databases, type Ground, grantFor } from './ground.ts'
import { lostRows } from './lost-rows.ts'
import { mayWrite, type Standing } from './may-write.ts'
import { Moments } from './moments.ts'
import { Oracle } from './oracle.ts'
import { openServed, type Served, servedEnvironment } from './served.ts'
import { Writer } from './writer.ts'

export type Verdict =
  | { readonly kind: 'held'; readonly writes: number; readonly plan: PlanInput }
  /** `check` has findings that no plan of ours satisfies. */
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] }
  /** A move, or a removal, ended with an error that says why, as the case had to expect. */
  | { readonly kind: 'declined'; readonly code: string }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly plan: PlanInput | null }
  /** The case itself is wrong: its SQL does not run. */
  | { readonly kind: 'invalid'; readonly message: string }

/** Plants a fault after a step, to see that it is found. */
export type Plant = (
  at: Databases,
  after: { readonly kase: Case; readonly step: Step },
) => Promise<void>

class Failed extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.what)
    this.fault = fault
  }
}

/** Rows of the case are whose their marks say by nothing else. */
class Meaningless extends Error {}

export async function tryCase(kase: Case, ground: Ground, plant?: Plant): Promise<Verdict> {
  await using at = await ground.databases()
  const wrong = await build(kase, at)
  if (wrong !== null) return { kind: 'invalid', message: wrong }
  Object.assign(ground.environment, at.environmentAs(kase.story.role), servedEnvironment)
  const moments = new Moments()
  await using served = await openServed(kase, at, moments)
  let made: MadePlan | null = null
  try {
    const tenant = await textOf(at, kase)
    made = await makePlan(kase, { over: served.endpoints, tenant }, (input) => {
      served.serve(input)
      return ground.rehome.check(input)
    })
    if (made.findings.length > 0) return { kind: 'refused', findings: made.findings }
    const { input } = made
    refuse(await askOfDemands({ kase, at, made, check: () => toldOf(ground, input) }))
    await installFor(made.input, kase, { at, ground, served })
    return await liveThrough({ kase, at, ground, made, plant, moments })
  } catch (error) {
    const plan = made?.input ?? null
    if (error instanceof Meaningless) return { kind: 'invalid', message: error.message }
    if (error instanceof Failed) return { kind: 'failed', fault: error.fault, plan }
    const what = `an unexpected error: ${shapeOf(messageOf(error))}`
    const details = [error instanceof Error ? (error.stack ?? '') : String(error)]
    return { kind: 'failed', fault: { what, details }, plan }
  }
}

async function toldOf({ rehome }: Ground, input: PlanInput) {
  return { findings: await rehome.check(input), notes: await rehome.notes(input) }
}

/** Null, or what is wrong with its SQL. */
async function build(kase: Case, at: Databases): Promise<string | null> {
  try {
    await at.source.query(sqlOf(kase, 'source'))
    await at.shadow.query(sqlOf(kase, 'source'))
    await at.target.query(sqlOf(kase, 'target'))
    await grantFor(kase, at)
    await refuseLostRows(kase, at)
    return null
  } catch (error) {
    return messageOf(error)
  }
}

/** Throws Meaningless. */
async function refuseLostRows(kase: Case, at: Databases): Promise<void> {
  const lost = await lostRows(kase, at.shadow)
  if (lost.length > 0) throw new Meaningless(`rows belong to nobody: ${lost.join(', ')}`)
}

interface Where {
  readonly at: Databases
  readonly ground: Ground
}

async function installFor(
  input: PlanInput,
  kase: Case,
  { at, ground, served }: Where & { readonly served: Served },
): Promise<void> {
  await served.install()
  const environment = { ...ground.environment, ...at.environmentAs('owner') }
  const controlUrl = environment.CONTROL_URL ?? ''
  await install({ controlUrl, environment }, [checkPlan(input)])
  await grantFor(kase, at)
}

interface Living extends Where {
  readonly moments: Moments
  readonly kase: Case
  readonly made: MadePlan
  readonly plant: Plant | undefined
}

interface Alive extends Living, Standing {
  readonly errands: Errands
  readonly oracle: Oracle
  readonly writer: Writer
}

async function liveThrough(living: Living): Promise<Verdict> {
  const { kase, at, ground, made, moments } = living
  const mayNotReturn = kase.tables.some(({ columns }) =>
    columns.some(({ targetType, becomes }) => targetType !== null || becomes !== null),
  )
  const oneWay = mayNotReturn && (await ground.rehome.oneWayTables(made.input)).length > 0
  const tenant = await textOf(at, kase)
  const { control } = ground.rehome
  const { environment } = ground
  await using errands = openErrands(control, made.input, { environment, tenant, moments })
  const oracle = await Oracle.open(kase, at, made.moves)
  const writer = new Writer(kase, at)
  const alive: Alive = { ...living, errands, oracle, writer, oneWay }
  for (const [i, step] of kase.story.steps.entries()) {
    const code = await take(alive, step, { following: kase.story.steps.slice(i + 1) })
    if (code) return { kind: 'declined', code }
  }
  await probe(alive)
  return { kind: 'held', writes: writer.acknowledged, plan: made.input }
}

/** The id's text as the source's column writes it. */
async function textOf(at: Databases, kase: Case): Promise<string> {
  return (await at.source.query(tenantSql(kase))).rows[0].id
}

/** The code of an error that the case had to expect. Throws Failed. */
async function take(
  alive: Alive,
  step: Step,
  { following }: { following: readonly Step[] },
): Promise<string | null> {
  const { oracle, writer } = alive
  const isBefore = step.do === 'rollback' ? [step, ...following] : following
  const writes = step.writes.filter((one) => mayWrite(alive, one.writes, isBefore))
  if (step.do === 'write') {
    for (const one of writes) await writer.write(one, { end: oracle.home, whileMoving: false })
    refuse(writer.faults)
    await lookAt(alive)
    return null
  }
  const ended = await errandOf(alive, step, writes)
  if (ended === 'not asked') return null
  const code = 'code' in ended ? ended.code : null
  if (code && !(await isExpected(alive, step, code))) {
    const message = 'message' in ended ? ended.message : ''
    const what = `${step.do} ends with ${code} although check found nothing: ${shapeOf(message)}`
    throw new Failed({ what, details: [message] })
  }
  if (code && step.do === 'move') await callOff(alive)
  if (!code) await follow(alive, step, ended)
  await alive.plant?.(alive.at, { kase: alive.kase, step })
  refuse(writer.faults)
  await lookAt(alive)
  refuse(await oracle.checkLocks())
  if (code) return code
  const refusedWrites = writer.takeRefused()
  if (refusedWrites.length === 0) return null
  for (const refused of refusedWrites) {
    if (mayWrite(alive, refused.writes, isBefore)) {
      await writer.write(refused, { end: oracle.home, whileMoving: false })
    }
  }
  refuse(writer.faults)
  await lookAt(alive)
  return null
}

/**
 * An online move that has failed keeps its copy, for the next attempt, until it is called off. One
 * that had changed nothing when it failed is not: the oracle looks whether that is so.
 */
async function callOff({ errands }: Alive): Promise<void> {
  const ended = await errands.carryOut('rollback')
  if (ended === 'not asked' || ended.phase === 'rolled_back') return
  const what = 'a move that has failed cannot be called off'
  throw new Failed({ what, details: [JSON.stringify(ended)] })
}

/** Throws Failed where a row is not where it has to be. */
async function lookAt({ kase, at, oracle }: Alive): Promise<void> {
  await refuseLostRows(kase, at)
  refuse(await oracle.check({ counted: true }))
}

function refuse([fault]: readonly Fault[]): void {
  if (fault) throw new Failed(fault)
}

/** The oracle's knowledge of the tenant's home from here on. */
async function follow({ oracle }: Alive, step: Step, ended: Ended): Promise<void> {
  const phase = ended === 'not asked' ? '' : ended.phase
  const home = oracle.home
  if (step.do === 'move' && phase === 'moved' && home === 'source') await oracle.cutOver()
  if (step.do === 'rollback' && phase === 'rolled_back' && home === 'target') await oracle.cutOver()
  if (step.do === 'cleanup' && phase === 'cleaned') oracle.cleaned()
}

async function errandOf(
  { errands, writer, oracle }: Alive,
  step: Step,
  writes: Step['writes'],
): Promise<Ended> {
  const { home } = oracle
  if (step.do === 'write' || (step.do === 'move' && home === 'target')) return 'not asked'
  const due = [...writes]
  const meet = (moment: number) => {
    const now = due.filter(({ at }) => at <= moment)
    due.splice(0, now.length)
    const begun = now.map((one) => writer.write(one, { end: home, whileMoving: true }))
    // What waits for a lock of the move's is not waited for.
    return begun.length > 0
      ? Promise.race([Promise.all(begun), delay(200)]).then(() => {})
      : undefined
  }
  const { stopAt, withdraw } = step
  const ended = await errands.carryOut(step.do, { meet, stopAt, withdraw })
  await writer.settled()
  return ended
}

async function isExpected(
  { kase, made, oracle }: Alive,
  step: Step,
  code: string,
): Promise<boolean> {
  const leaves = kase.rows.some(
    ({ owner, table, stray }) => stray || (owner === 'a' && !made.moves(table)),
  )
  if (code === 'TENANT_UNKNOWN') return await oracle.isEmpty()
  // Rows that exchange unique values do not come in place, as `check` notes.
  if (code === 'ID_COLLISION') return kase.story.role === 'plain' && kase.story.windowMs > 0
  // Foreign keys that are on would miss shared rows which a rehearsal takes back.
  if (code === 'SHARED_ROWS_MISSING') return step.do === 'rehearse' && kase.story.role === 'plain'
  if (code === 'ROWS_LEFT_BEHIND') return leaves && step.do !== 'cleanup'
  const crosses = kase.rows.some(({ stray }) => stray)
  const stays = (name: string | null) =>
    kase.tables.some((one) => one.name === name && !one.shared && !made.moves(one.name))
  const leadsOut = kase.constraints.some(
    ({ table, parent, only }) => made.moves(table) && stays(parent) && only !== 'source',
  )
  if (code === 'FOREIGN_KEY_BROKEN') return crosses || leadsOut || (leaves && step.do === 'cleanup')
  return false
}

/** An insert into each table, whose number comes from its sequence. */
async function probe({ kase, at, oracle, made }: Alive): Promise<void> {
  for (const row of kase.probes) {
    if (!made.moves(row.table)) continue
    const client = await at.application[oracle.home].connect()
    try {
      await client.query('begin')
      await client.query(insertSql(kase, row, oracle.home).replace(' overriding system value', ''))
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string }
      if (code !== '23505') continue
      const what = `a new row gets a number that is taken at the ${oracle.home}`
      throw new Failed({ what, details: [`${row.table}: ${message}`] })
    } finally {
      await client.query('rollback').catch(() => {})
      client.release()
    }
  }
}
