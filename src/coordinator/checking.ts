/** Findings and notes of `check` about a plan at its ends. */
import { tryAllDemands, untriedNotes, violationFinding } from '../checks/demand-findings.ts'
import { directoryFindings } from '../checks/directory-findings.ts'
import { exposureFindings } from '../checks/exposure.ts'
import { unprovenOf } from '../checks/http-findings.ts'
import { lookFindings } from '../checks/looks.ts'
import { notesOf } from '../checks/notes.ts'
import {
  type Kind,
  type Kinds,
  ofKind,
  schemalessFinding,
  surveyKinds,
} from '../checks/schema-kinds.ts'
import { sourcesAlone, surveyBack, type Unguarded } from '../checks/survey.ts'
import type { Control } from '../control/database.ts'
import type { PlanEnds } from '../ends/end.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import { departedFrom } from './fleet/chosen-tenants.ts'
import { schemaLooks } from './schema/schema-findings.ts'
import { listedAsWritten, listedByPlace, tenantsIfListed } from './tenants.ts'
import { waveNameFindings } from './wave-names.ts'

interface At {
  readonly plan: Plan
  readonly ends: PlanEnds
}

/** Ends that were looked at, once for all that is to be known of them. */
export interface Looked extends At, Kinds {}

/** All that `check` reports of a plan. */
export interface Review {
  /** Everything that prevents a move. */
  readonly findings: readonly Finding[]
  readonly oneWay: readonly Finding[]
  readonly unproven: readonly Finding[]
  readonly notes: readonly Finding[]
  readonly exposed: readonly Finding[]
}

export async function looksAt({ plan, ends }: At): Promise<Looked> {
  const kinds = await surveyKinds(plan, ends, () => listedByPlace(plan, ends))
  return { plan, ends, ...kinds }
}

export async function reviewAt(looked: Looked, control: Control): Promise<Review> {
  return {
    findings: await findingsAt(looked, control),
    oneWay: await oneWayAt(looked),
    unproven: await unprovenAt(looked),
    notes: await notesAt(looked),
    exposed: await exposedAt(looked),
  }
}

/** Everything that prevents a move. */
export async function findingsAt(at: Looked, control: Control): Promise<Finding[]> {
  const { kinds, without, settled } = at
  const findings = await eachKind(kinds, async (kind) => {
    const looks = await lookFindings(kind.survey, kind.ends)
    const { violations } = await tryDemandsOf(at, kind)
    const directories = await directoriesOf(at, kind)
    const unguarded = kind.survey.unguarded.map(unguardedFinding)
    const looked = [...kind.survey.findings, ...looks, ...directories]
    return [...looked, ...violations.map(violationFinding), ...unguarded]
  })
  // A tenant that has moved may have no schema at the source any longer.
  const lacking = without.filter(({ end }) => end === 'target' || kinds.length === 0)
  const unseen = kinds.length + without.length + settled === 0 ? [nothingSeen] : []
  const { findings: changes } = await schemaLooks(at.plan, at.ends)
  const names = await waveNamesAt(at, control)
  return [
    ...changes,
    ...findings,
    ...names,
    ...lacking.map((one) => schemalessFinding(at.plan, one)),
    ...unseen,
  ]
}

/** Looked at as one of the tenants. */
async function directoriesOf({ plan, ends }: At, { tenants, ends: own, survey }: Kind) {
  if (!plan.cutover?.also) return []
  const [tenant] = tenants ?? (await tenantsIfListed(plan, ends)) ?? []
  return tenant === undefined ? [] : await directoryFindings({ plan, ends: own, survey }, tenant)
}

const nothingSeen: Finding = {
  where: 'plan field `tenants`',
  message: 'lists no tenant, or only once, so there is no schema or database to look at',
}

/** Where the plan lists its tenants more than once. */
async function waveNamesAt({ plan, ends }: At, control: Control): Promise<Finding[]> {
  if (!plan.waves?.some(({ tenants }) => tenants)) return []
  const naming = { plan, ends, sources: await sourcesAlone(plan, ends) }
  const listed = await listedAsWritten(plan, ends, naming.sources)
  if (listed === null) return []
  return await waveNameFindings(naming, {
    unlistedOf: async (tenants) => tenants.filter((one) => !listed.has(one)),
    departed: departedFrom(control, naming),
  })
}

/** Promises that the ends cannot keep. */
export async function unprovenAt({ kinds }: Looked): Promise<Finding[]> {
  return await eachKind(kinds, async ({ survey, ends }) => unprovenOf(survey, ends))
}

/** Facts about the ends to know before tenants move. */
export async function notesAt(at: Looked): Promise<Finding[]> {
  const { kinds } = at
  const { notes: changes } = await schemaLooks(at.plan, at.ends)
  const notes = await eachKind(kinds, async (kind) => {
    const { untried } = await tryDemandsOf(at, kind)
    return [...(await notesOf(at.plan, kind.survey, kind.ends)), ...untriedNotes(untried)]
  })
  return [...changes, ...notes]
}

/** Privileges of other roles that the ends' owners should revoke. */
export async function exposedAt({ kinds }: Looked): Promise<Finding[]> {
  return await eachKind(kinds, async ({ survey }) => exposureFindings(survey))
}

/** Tables whose writes a rollback would not take back. */
export async function oneWayAt({ plan, kinds }: Looked): Promise<Finding[]> {
  if (plan.rollback.windowMs === 0) return []
  return await eachKind(kinds, async ({ survey }) =>
    surveyBack(survey).routes.flatMap(({ source: { name }, blocked }) =>
      blocked ? [{ where: `target table "${name}"`, message: blocked }] : [],
    ),
  )
}

async function eachKind(
  kinds: readonly Kind[],
  look: (kind: Kind) => Promise<readonly Finding[]>,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const kind of kinds) findings.push(...ofKind(kind, await look(kind)))
  return findings
}

/** On the rows of the plan's tenants, where it lists them; of a schema's own tenant. */
async function tryDemandsOf({ plan, ends }: At, { tenants, survey, ends: own }: Kind) {
  return await tryAllDemands(survey, own, async () => ({
    tenants: tenants ?? (await tenantsIfListed(plan, ends)),
  }))
}

function unguardedFinding({ end, relation }: Unguarded): Finding {
  const instead = end.sql ? 'run `rehome init`' : 'let that end `install()` them'
  return { where: `${end.name} table "${relation}"`, message: `has no guard: ${instead}` }
}
