/**
 * Mends findings of the doctor. Only what can lose no data and open no home is done; each kind of
 * finding has an entry here: whether it is, or who has to decide. Every repair may be made twice.
 */

import { forgetLeftChanges } from '../../ends/postgres/changes/change-log.ts'
import { messageOf } from '../../errors.ts'
import type { Plan } from '../../plan/plan.ts'
import { reconcile } from '../enqueue.ts'
import { install, openEnds, sqlEndsOf } from '../installation.ts'
import { movesWithoutJob } from './control-diagnoses.ts'
import type { Diagnosis, Kind } from './diagnosis.ts'
import { type DoctorOptions, diagnose, type Patient } from './doctor.ts'

export interface RepairOptions extends DoctorOptions {
  /** false: only lists what would be done. */
  readonly apply: boolean
}

export interface Repairs {
  readonly applied: boolean
  /** Repairs that were made, or would be. */
  readonly repairs: readonly { readonly finding: Diagnosis; readonly what: string }[]
  /** Findings that are still there, each with the reason why it was left. */
  readonly left: readonly { readonly finding: Diagnosis; readonly why: string }[]
}

interface Repair {
  readonly what: string
  readonly run: (patient: Patient, plans: readonly Plan[], oldS: number) => Promise<unknown>
}

/** Repairs by kind. A text is the reason why it is left to a person or to a worker. */
const repairs: Readonly<Record<Kind, Repair | string>> = {
  'not-installed': {
    what: 'installs what is missing, as `rehome init` does',
    run: ({ settings }, plans) => install(settings, plans),
  },
  'job-missing': {
    what: 'gives the moves their jobs again, as a worker does',
    run: async (patient, _, oldS) => await reconcile(patient, await movesWithoutJob(patient, oldS)),
  },
  'log-without-capture': {
    what: 'empties the logs of tenants that are not captured, as a worker does',
    run: async ({ settings }, plans) => {
      for (const plan of plans) await tidyPlan(settings.environment, plan)
    },
  },
  unreachable: 'the server or a setting has to be mended first',
  clock: 'clocks are for the machines to set',
  connections: 'a limit of the server or a plan has to be changed',
  version: 'a server has to be upgraded',
  rights: 'an owner or a superuser has to grant them',
  disk: 'somebody may still read what is kept',
  publication: 'its subscribers have to agree',
  'notify-queue': 'it would end a session of an application',
  'idle-transaction': 'it would undo what the transaction has written',
  'prepared-transaction': 'only its coordinator knows whether it is to be committed',
  'queue-paused': 'somebody may have paused it on purpose',
  'queue-eviction': 'others may use that Redis',
  'move-waits': 'only a worker carries out moves',
  'home-closed': 'it would open a home: only a worker proves which one',
  'directory-outdated': 'only a worker has the plan that updates it',
  'plan-differs': 'a person has to choose the version of the plan',
  'fence-lapsed': 'it would open a home: a worker, or the first writer, does so',
  'flag-without-move': 'it would open a home of a move that is not known here',
  'flag-of-ended-move': 'it would open a home: a worker does so after the lease',
  'moved-flag-missing': 'both homes may have writes: a person has to choose',
  quarantine: 'rows have to be looked at by a person',
}

export async function repair(
  patient: Patient,
  plans: readonly Plan[],
  { apply, oldS }: RepairOptions,
): Promise<Repairs> {
  const diagnoses = await diagnose(patient, plans, { oldS })
  const mendable = diagnoses.flatMap((finding) => {
    const way = repairs[finding.kind]
    return typeof way === 'string' ? [] : [{ finding, way }]
  })
  const failures = new Map<Kind, string>()
  const ways = new Map(apply ? mendable.map(({ finding, way }) => [finding.kind, way]) : [])
  for (const [kind, way] of ways) {
    await way.run(patient, plans, oldS).catch((error) => failures.set(kind, messageOf(error)))
  }
  const after = ways.size > 0 ? await diagnose(patient, plans, { oldS }) : diagnoses
  return { applied: apply, ...(apply ? outcome(diagnoses, after, failures) : proposal(diagnoses)) }
}

type Outcome = Omit<Repairs, 'applied'>

function proposal(diagnoses: readonly Diagnosis[]): Outcome {
  return {
    repairs: diagnoses.flatMap(whatMends),
    left: diagnoses.flatMap((finding) => {
      const way = repairs[finding.kind]
      return typeof way === 'string' ? [{ finding, why: way }] : []
    }),
  }
}

/**
 * Each finding is in one list. One whose repair failed counts as left, also where it is not found
 * again: perhaps it is only out of reach.
 */
export function outcome(
  before: readonly Diagnosis[],
  after: readonly Diagnosis[],
  failures: ReadonlyMap<Kind, string>,
): Outcome {
  const there = new Set(after.map(identity))
  const gone = before.filter((finding) => !there.has(identity(finding)))
  const unsure = gone.filter(({ kind }) => failures.has(kind))
  return {
    repairs: gone.filter((finding) => !unsure.includes(finding)).flatMap(whatMends),
    left: [...after, ...unsure].map((finding) => {
      const way = repairs[finding.kind]
      const failure = failures.get(finding.kind) ?? 'it is still there afterwards'
      return { finding, why: typeof way === 'string' ? way : `the repair failed: ${failure}` }
    }),
  }
}

function whatMends(finding: Diagnosis) {
  const way = repairs[finding.kind]
  return typeof way === 'string' ? [] : [{ finding, what: way.what }]
}

/** Messages count things, and counts fall; only what is missing is named by its message alone. */
function identity({ kind, where, message }: Diagnosis): string {
  return JSON.stringify([kind, where, ...(kind === 'not-installed' ? [message] : [])])
}

async function tidyPlan(environment: NodeJS.ProcessEnv, plan: Plan): Promise<void> {
  await using ends = openEnds(plan, environment)
  for await (const { pool } of sqlEndsOf(plan, ends)) await forgetLeftChanges(pool)
}
