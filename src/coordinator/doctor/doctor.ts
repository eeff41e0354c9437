/**
 * Looks for everything in an installation that stands in the way of moves, or that somebody has to
 * know at night. It only reads. Each look is made for itself: what is out of reach is one finding.
 */

import type { Control } from '../../control/database.ts'
import type { PlanEnds, SqlEnd } from '../../ends/end.ts'
import { messageOf } from '../../errors.ts'
import { fingerprintOf } from '../../plan/check-plan.ts'
import type { Plan } from '../../plan/plan.ts'
import { createPool } from '../../postgres.ts'
import type { Queues } from '../../queue/queues.ts'
import { openEnds, pendingInstallations, type Settings, sqlEndsOf } from '../installation.ts'
import { diagnoseMoves, diagnosePlans, diagnoseQueues } from './control-diagnoses.ts'
import type { Diagnosis } from './diagnosis.ts'
import { diagnoseKept, diagnoseServer } from './end-diagnoses.ts'
import {
  diagnoseControlRights,
  diagnoseDisk,
  diagnosePublications,
  diagnoseRights,
} from './server-diagnoses.ts'

export interface Patient {
  readonly control: Control
  readonly queues: Queues
  readonly settings: Settings
}

export interface DoctorOptions {
  /** Transactions and moves that nothing has touched for so long are findings, in s. Default 60. */
  readonly oldS: number
}

/** Empty: nothing was found. Without plans the ends are not looked at. */
export async function diagnose(
  patient: Patient,
  plans: readonly Plan[],
  { oldS }: DoctorOptions = { oldS: 60 },
): Promise<Diagnosis[]> {
  const { control, queues } = patient
  const prints = plans.map((plan) => ({ name: plan.name, fingerprint: fingerprintOf(plan) }))
  const looks = [
    looked('the control database', diagnosePlans(control, prints)),
    looked('the control database', diagnoseControlRights(control.pool)),
    looked('the queue', diagnoseQueues(queues)),
    looked('the control database or the queue', diagnoseMoves({ control, queues }, oldS)),
  ]
  const ofPlans = plans.map((plan) =>
    looked(`plan "${plan.name}"`, diagnosePlan({ ...patient, oldS }, plan)),
  )
  const diagnoses = (await Promise.all([...looks, ...ofPlans])).flat()
  // Plans may share an end.
  const texts = diagnoses.map((one) => JSON.stringify(one))
  return diagnoses.filter((_, i) => texts.indexOf(texts[i] ?? '') === i)
}

async function diagnosePlan(patient: Patient & DoctorOptions, plan: Plan): Promise<Diagnosis[]> {
  await using ends = openEnds(plan, patient.settings.environment)
  return await diagnoseEnds(patient, plan, ends)
}

async function diagnoseEnds(
  patient: Patient & DoctorOptions,
  plan: Plan,
  ends: PlanEnds,
): Promise<Diagnosis[]> {
  const { control, settings, oldS } = patient
  const sqlEnds: SqlEnd[] = []
  for await (const end of sqlEndsOf(plan, ends)) sqlEnds.push(end)
  const servers = await Promise.all(
    sqlEnds.map((end) =>
      looked(`the ${end.name} (${end.place})`, diagnoseServer({ control, plan, end }, oldS)),
    ),
  )
  const isReached = servers.flat().every(({ kind }) => kind !== 'unreachable')
  if (!isReached) return servers.flat()
  const pending = await looked(`plan "${plan.name}"`, pendingOf(settings, { plan, ends }))
  const granted = await Promise.all([
    looked(`plan "${plan.name}"`, diagnoseRights(plan, ends, sqlEnds)),
    looked(`plan "${plan.name}"`, diagnosePublications(sqlEnds)),
    ...sqlEnds.map((end) => looked(`the ${end.name} (${end.place})`, diagnoseDisk(end))),
  ])
  const missing = pending.some(({ kind }) => kind === 'not-installed')
  const kept = await Promise.all(
    sqlEnds.map((end) => {
      const work = diagnoseKept({ control, plan, end })
      // What is not installed yet has no flags.
      return missing ? work.catch(() => []) : looked(`the ${end.name} (${end.place})`, work)
    }),
  )
  return [...servers, pending, ...granted, ...kept].flat()
}

async function pendingOf(
  settings: Settings,
  { plan, ends }: { plan: Plan; ends: PlanEnds },
): Promise<Diagnosis[]> {
  const pool = createPool({ url: settings.controlUrl, name: 'control', size: 2 })
  try {
    const steps = await pendingInstallations(settings, pool, [{ plan, ends }])
    return steps.map(({ what }) => ({
      kind: 'not-installed',
      where: `plan "${plan.name}"`,
      message: `missing: ${what}`,
      mend: '`rehome init PLAN`',
    }))
  } finally {
    await pool.end()
  }
}

async function looked(where: string, work: Promise<Diagnosis[]>): Promise<Diagnosis[]> {
  try {
    return await work
  } catch (error) {
    return [
      {
        kind: 'unreachable',
        where,
        message: messageOf(error),
        mend: 'see that the server runs, that its address and password are right, and that our role may connect',
      },
    ]
  }
}
