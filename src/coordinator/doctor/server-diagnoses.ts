/**
 * Findings about what the servers grant and what fills their disks: rights of our roles, room that
 * is kept, publications that carry our own tables.
 */
import { publicationNotes } from '../../checks/notes.ts'
import { survey } from '../../checks/survey.ts'
import { commonEnds, type PlanEnds, type SqlEnd } from '../../ends/end.ts'
import { databaseEnd } from '../../ends/postgres/database-end.ts'
import { type KeptRoom, keptRoom } from '../../ends/postgres/health.ts'
import { missingRights, type WantedRights } from '../../ends/postgres/rights.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Pool } from '../../postgres.ts'
import { type Diagnosis, named } from './diagnosis.ts'

const all = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const

/** The rights that examples/roles/control.sql grants. */
export const controlRights: readonly WantedRights[] = [
  {
    schema: 'rehome_control',
    table: 'installation',
    rights: ['SELECT', 'UPDATE'],
    updated: ['moves_at_once', 'waves_due_at', 'queue_pauses', 'keep_events_ms'],
  },
  {
    schema: 'rehome_control',
    table: 'runs',
    rights: ['SELECT', 'INSERT', 'UPDATE'],
    updated: [
      ...['paused', 'priority', 'wave', 'wave_ended_at', 'approved_wave', 'overridden_wave'],
      ...['gate_asked_at', 'gate_answer', 'events_gone_until', 'events_gone_after'],
    ],
  },
  { schema: 'rehome_control', table: 'moves', rights: ['SELECT', 'INSERT', 'UPDATE'] },
  { schema: 'rehome_control', table: 'events', rights: ['SELECT', 'INSERT', 'DELETE'] },
  { schema: 'rehome_control', table: 'run_events', rights: ['SELECT', 'INSERT'] },
  { schema: 'rehome_control', table: 'workers', rights: all },
  { schema: 'rehome_control', table: 'server_slots', rights: all },
  { schema: 'rehome_control', table: 'webhook_messages', rights: ['INSERT', 'DELETE'] },
]

export async function diagnoseControlRights(pool: Pool): Promise<Diagnosis[]> {
  return await rightsDiagnoses('the control database', pool, {
    wanted: controlRights,
    file: 'control.sql',
  })
}

/** Rights that every move needs; for those of clean-ups and rollbacks `check` asks. */
export async function diagnoseRights(
  plan: Plan,
  ends: PlanEnds,
  sqlEnds: readonly SqlEnd[],
): Promise<Diagnosis[]> {
  const planned = await plannedTables(plan, ends)
  const looks = sqlEnds.map((end) =>
    rightsDiagnoses(`the ${end.name} (${end.place})`, end.pool, {
      wanted: [...ownRights(plan, end), ...planned.filter(({ at }) => at === end.name)],
      file: `${end.name}.sql`,
    }),
  )
  return (await Promise.all(looks)).flat()
}

/** The rights that examples/roles/source.sql and target.sql grant. */
export function ownRights(
  { strategy, rollback, guards }: Pick<Plan, 'strategy' | 'rollback' | 'guards'>,
  { name }: Pick<SqlEnd, 'name'>,
): WantedRights[] {
  const isSource = name === 'source'
  const follows = isSource ? strategy === 'online' : rollback.windowMs > 0
  const isFilled = isSource ? rollback.windowMs > 0 : true
  const of = (table: string, rights: WantedRights['rights']) => ({
    schema: 'rehome',
    table,
    rights,
  })
  return [
    of('tenant_flags', all),
    of('turns', ['SELECT', 'INSERT', 'UPDATE']),
    of('buckets', ['SELECT', 'UPDATE']),
    ...(isSource ? [] : [of('copy_progress', all)]),
    ...(guards === 'while moving' ? [of('guarded_runs', ['SELECT', 'INSERT'])] : []),
    ...(isFilled ? [of('checkpoints', all), of('changed_keys', all)] : []),
    ...(follows
      ? [{ schema: 'rehome_log', table: '*', rights: ['SELECT', 'DELETE'] } as const]
      : []),
  ]
}

interface PlannedTable extends WantedRights {
  readonly at: 'source' | 'target'
}

/** Empty where each tenant has a place of its own: `check` looks into these. */
async function plannedTables(plan: Plan, ends: PlanEnds): Promise<PlannedTable[]> {
  const common = commonEnds(ends)
  if (!common) return []
  const { guarded } = await survey(plan, common)
  return guarded.map(({ end, schema, table }) => ({
    at: end.name,
    schema,
    table: table.name,
    rights: end.name === 'source' ? ['SELECT'] : ['SELECT', 'INSERT', 'DELETE'],
  }))
}

async function rightsDiagnoses(
  where: string,
  pool: Pool,
  { wanted, file }: { readonly wanted: readonly WantedRights[]; readonly file: string },
): Promise<Diagnosis[]> {
  const missing = await missingRights(pool, wanted)
  if (!missing) return []
  const { role, rights, grants } = missing
  return [
    {
      kind: 'rights',
      where,
      message: named(rights, `rights that moves need are missing to our role "${role}"`),
      mend: `\`${grants.join('; ')}\`, or run examples/roles/${file} again`,
    },
  ]
}

const gib = 1024 ** 3
/** From this on it is a finding: no installation that is well keeps so much for long. */
const keptMax = gib

export async function diagnoseDisk({ name, place, pool }: SqlEnd): Promise<Diagnosis[]> {
  return diskDiagnoses(`the ${name} (${place})`, await keptRoom(pool), keptMax)
}

export function diskDiagnoses(
  where: string,
  { slots, logBytes }: KeptRoom,
  most: number,
): Diagnosis[] {
  const room = (bytes: number) => `${(bytes / gib).toFixed(1)} GiB`
  const kept = slots
    .filter(({ isActive, bytes }) => !isActive && bytes > most)
    .map(
      ({ slot, bytes }): Diagnosis => ({
        kind: 'disk',
        where,
        message: `replication slot "${slot}" has no reader and keeps ${room(bytes)} of WAL: it grows until the disk is full`,
        mend: `start its reader; if it is gone: \`select pg_drop_replication_slot('${slot}')\``,
      }),
    )
  if (logBytes <= most) return kept
  const message = `the logs of changes take ${room(logBytes)}: held moves and open windows keep them`
  const mend = '`rehome complete RUN` ends holds, `rehome finalize RUN --all --dry-run` windows'
  return [...kept, { kind: 'disk', where, message, mend }]
}

export async function diagnosePublications(ends: readonly SqlEnd[]): Promise<Diagnosis[]> {
  const notes = await Promise.all(ends.map((sql) => publicationNotes(databaseEnd(sql))))
  return notes.flat().map(({ where, message }) => ({
    kind: 'publication',
    where: `the ${where}`,
    message,
    mend: '`alter publication NAME set table …`, or make it anew `for tables in schema …`',
  }))
}
