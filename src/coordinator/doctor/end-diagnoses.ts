/** Findings about one end: its server, and what rehome keeps there. */
import type { Control } from '../../control/database.ts'
import { knownMoves, movedTenants } from '../../control/health.ts'
import type { SqlEnd } from '../../ends/end.ts'
import {
  type FlagState,
  flagStates,
  idleTransactions,
  type LongTransaction,
  leftLogs,
  markedMoved,
  type Prepared,
  preparedTransactions,
  quarantinedRows,
  type ServerState,
  serverState,
} from '../../ends/postgres/health.ts'
import { connectionsBeside } from '../../ends/postgres/postgres-end.ts'
import { connectionsOf } from '../../plan/endpoint.ts'
import type { Plan } from '../../plan/plan.ts'
import { show } from '../tenants.ts'
import { type Diagnosis, named } from './diagnosis.ts'

/** Leases are renewed every few seconds, and a reaper looks every 5 s. */
const lapsedS = 30
const clockMaxMs = 2_000
const notifyMax = 0.25

export interface Examined {
  readonly control: Control
  readonly plan: Plan
  readonly end: SqlEnd
}

/** A drain waits for transactions: those that are older than `oldS` outlast most drains. */
export async function diagnoseServer({ plan, end }: Examined, oldS: number): Promise<Diagnosis[]> {
  const { pool, name, place } = end
  const where = `the ${name} (${place})`
  const [server, idle, prepared] = await Promise.all([
    serverState(pool),
    idleTransactions(pool, oldS),
    preparedTransactions(pool, oldS),
  ])
  return [
    ...serverDiagnoses(where, server),
    ...connectionDiagnoses(where, server, plan, name),
    ...idle.map(idleDiagnosis(where)),
    ...prepared.map(preparedDiagnosis(where)),
  ]
}

function connectionDiagnoses(
  where: string,
  { connectionsMax, limitedBy }: ServerState,
  { name: planName, pace, ...ends }: Plan,
  name: 'source' | 'target',
): Diagnosis[] {
  // A plan with a pace looks at its ends over one more.
  const needed = connectionsOf(ends[name]) + connectionsBeside + (pace ? 1 : 0)
  if (connectionsMax >= needed) return []
  const message = `${limitedBy} allows ${connectionsMax} connections, and one worker may open ${needed}`
  const mend = `raise that limit, or lower \`poolSize\` of the ${name} in plan "${planName}"`
  return [{ kind: 'connections', where, message, mend }]
}

function idleDiagnosis(where: string) {
  return ({ pid, user, application, ageS }: LongTransaction): Diagnosis => {
    const who = `of role "${user}" (${application || 'no application_name'})`
    return {
      kind: 'idle-transaction',
      where,
      message: `a transaction ${who} is open and idle for ${ageS} s: a drain may wait for it`,
      mend: `\`select pg_terminate_backend(${pid})\`, or set idle_in_transaction_session_timeout`,
    }
  }
}

function preparedDiagnosis(where: string) {
  return ({ gid, owner, ageS }: Prepared): Diagnosis => {
    const commit = `\`commit prepared '${gid.replaceAll("'", "''")}'\``
    return {
      kind: 'prepared-transaction',
      where,
      message: `transaction ${show(gid)} of role "${owner}" is prepared for ${ageS} s: a drain waits for it`,
      mend: `${commit} or \`rollback prepared\`, as its coordinator decides`,
    }
  }
}

/** Clock and notifications. */
export function serverDiagnoses(where: string, server: ServerState): Diagnosis[] {
  const { notifyUsed } = server
  const used = `the queue of notifications is full to ${Math.round(notifyUsed * 100)} %`
  const oldest = '`select pid, xact_start, query from pg_stat_activity order by xact_start`'
  return [
    ...versionDiagnoses(where, server),
    ...clockDiagnoses(where, server),
    ...(notifyUsed > notifyMax
      ? [
          {
            kind: 'notify-queue' as const,
            where,
            message: `${used}: from 50 % on applications hear of no flag`,
            mend: `end the oldest transaction of a session that listens: ${oldest}`,
          },
        ]
      : []),
  ]
}

const oldestVersion = 130_000

function versionDiagnoses(
  where: string,
  { version, versionNumber }: Pick<ServerState, 'version' | 'versionNumber'>,
): Diagnosis[] {
  if (versionNumber >= oldestVersion) return []
  const message = `PostgreSQL ${version} is older than 13: guards and copies need newer functions`
  return [{ kind: 'version', where, message, mend: 'upgrade the server: `pg_upgrade`' }]
}

function clockDiagnoses(where: string, { clockAheadMs, roundTripMs }: ServerState): Diagnosis[] {
  const offMs = Math.abs(clockAheadMs) - roundTripMs
  if (offMs <= clockMaxMs) return []
  const direction = clockAheadMs > 0 ? 'ahead of' : 'behind'
  return [
    {
      kind: 'clock',
      where,
      message: `its clock is ${offMs} ms ${direction} this machine's: leases and windows end at other times than in logs`,
      mend: 'synchronise the clocks of both machines, for example with chrony',
    },
  ]
}

export async function diagnoseKept(examined: Examined): Promise<Diagnosis[]> {
  const { plan, end } = examined
  const scope = end.scope ?? plan.scope
  const where = `the ${end.name} (${end.place})`
  const [logs, quarantined] = await Promise.all([
    leftLogs(end.pool),
    quarantinedRows(end.pool, scope),
  ])
  return [
    ...(await diagnoseFlags(examined, { scope, where })),
    ...(end.name === 'source' ? await diagnoseMoved(examined, { scope, where }) : []),
    ...(logs.length > 0
      ? [
          {
            kind: 'log-without-capture',
            where,
            message: named(logs, 'logs have changes of tenants that are not captured'),
            mend: 'start a worker with the plan, which empties them: `rehome worker PLAN`',
          } as const,
        ]
      : []),
    ...(quarantined.length > 0
      ? [
          {
            kind: 'quarantine',
            where,
            message: named(
              quarantined.map(({ tenant, rows }) => `${show(tenant)} (${rows} rows)`),
              'tenants have rows that did not come, and that the plan let stay behind',
            ),
            mend: '`rehome show RUN TENANT` names them; correct them, and move these tenants again',
          } as const,
        ]
      : []),
  ]
}

interface Place {
  readonly scope: string
  readonly where: string
}

async function diagnoseFlags(
  { control, end }: Examined,
  { scope, where }: Place,
): Promise<Diagnosis[]> {
  const lapsed: string[] = []
  const orphans: string[] = []
  const left: string[] = []
  for (let after = ''; ; ) {
    const flags = await flagStates(end.pool, scope, after)
    const moves = await knownMoves(control, [...new Set(flags.map(({ moveId }) => moveId))])
    for (const flag of flags) {
      const move = moves.find(({ id }) => id === flag.moveId)
      const name = show(flag.tenant)
      if ((flag.lapsedS ?? 0) > lapsedS) lapsed.push(name)
      else if (!move) orphans.push(`${name} (${flag.mode})`)
      else if (!move.open && isFence(flag)) left.push(`${name} of run ${move.run_id}`)
    }
    const last = flags.at(-1)
    if (flags.length < 1000 || !last) break
    after = last.tenant
  }
  return flagDiagnoses(where, { lapsed, orphans, left })
}

/** A capture may outlive its move: it is the rollback window. */
function isFence({ mode }: FlagState): boolean {
  return mode === 'read_only'
}

function flagDiagnoses(
  where: string,
  flags: Record<'lapsed' | 'orphans' | 'left', readonly string[]>,
): Diagnosis[] {
  const { lapsed, orphans, left } = flags
  const worker = 'start a worker with the plan: `rehome worker PLAN`'
  const list: (Diagnosis & { of: readonly string[] })[] = [
    {
      of: lapsed,
      kind: 'fence-lapsed',
      where,
      message: named(
        lapsed,
        `tenants have a fence or a capture whose lease ended over ${lapsedS} s ago`,
      ),
      mend: `${worker}; until then their first writer opens them`,
    },
    {
      of: orphans,
      kind: 'flag-without-move',
      where,
      message: named(
        orphans,
        'tenants have flags of moves that this control database does not know',
      ),
      mend: 'set CONTROL_URL to the control database that moved them, or restore its backup; only if it is lost: `rehome uninstall PLAN --force`, then `rehome init PLAN`',
    },
    {
      of: left,
      kind: 'flag-of-ended-move',
      where,
      message: named(left, 'tenants are fenced by moves that are over'),
      mend: `${worker}, which lowers them once their lease is over`,
    },
  ]
  return list.flatMap(({ of, ...diagnosis }) => (of.length === 0 ? [] : [diagnosis]))
}

/** Finds the worst: a source that has forgotten that its tenants left, e.g. after a restore. */
async function diagnoseMoved(
  { control, plan, end }: Examined,
  { scope, where }: Place,
): Promise<Diagnosis[]> {
  const open: string[] = []
  for (let after = ''; ; ) {
    const moved = await movedTenants(control, { scope, planName: plan.name, after })
    const tenants = moved.map(({ tenant }) => tenant)
    const marked = new Set(await markedMoved(end.pool, scope, tenants))
    for (const { tenant, runId } of moved) {
      if (!marked.has(tenant)) open.push(`${show(tenant)} of run ${runId}`)
    }
    const last = moved.at(-1)
    if (moved.length < 1000 || !last) break
    after = last.tenant
  }
  if (open.length === 0) return []
  return [
    {
      kind: 'moved-flag-missing',
      where,
      message: `${named(open, 'tenants have moved away, and this end does not know it')}; it accepts their writes, and so does their home`,
      mend: 'stop writes there at once: `rehome read-only on --reason "two homes"`; was it restored from an older backup?',
    },
  ]
}
