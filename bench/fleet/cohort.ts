/**
 * A prototype of cohorts: many small tenants under one announcement, with the fence's own tables,
 * guards and locks. It says what cohorts could bring at most: every statement that a move needs,
 * for all tenants of a cohort at once, and neither a queue nor retries, leases or failures.
 */
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import pg from 'pg'
import { callCopies } from '../../src/ends/postgres/copy/copies.ts'
import { beginWriting } from '../../src/ends/postgres/fence/begin-writing.ts'
import { literal } from '../../src/quote.ts'
import { tables } from './plan.ts'

type Urls = Readonly<Record<'source' | 'target' | 'control', string>>
type Clients = Readonly<Record<keyof Urls, pg.Client>>

/** Stands for the moves of the control database, which are stored in each phase. */
export const cohortSchema = `create table cohort_moves (tenant text primary key, phase text not null,
    evidence jsonb, changed_at timestamptz not null default now());
  create table cohort_events (id bigint generated always as identity primary key, tenant text,
    phase text, at timestamptz not null default now())`

/** Returns for each cohort how long its tenants could not write, in ms. */
export async function moveInCohorts(
  urls: Urls,
  tenants: readonly string[],
  size: number,
): Promise<number[]> {
  const connect = async (connectionString: string) => {
    const client = new pg.Client({ connectionString })
    await client.connect()
    return client
  }
  const [source, target, control] = await Promise.all([
    connect(urls.source),
    connect(urls.target),
    connect(urls.control),
  ])
  const pauses: number[] = []
  for (let i = 0; i < tenants.length; i += size) {
    pauses.push(await moveCohort({ source, target, control }, tenants.slice(i, i + size)))
  }
  await Promise.all([source.end(), target.end(), control.end()])
  return pauses
}

async function moveCohort(at: Clients, tenants: readonly string[]): Promise<number> {
  const { source, target, control } = at
  const token = randomUUID()
  const store = (phase: string) => control.query(storePhase, [tenants, phase])
  await store('preflight')
  await announce(target, { tenants, token, mode: 'receiving' })
  await Promise.all([drain(target, tenants), refuseOccupied(target, tenants)])
  await store('fence')
  const fenced = performance.now()
  await announce(source, { tenants, token, mode: 'read_only' })
  await drain(source, tenants)
  await copy(at, tenants, token)
  await compare(at, tenants)
  await store('cutover')
  const moved = await source.query(cutOver, [tenants, token])
  if (moved.rowCount !== tenants.length) throw new Error('the fence of a tenant was lost')
  await target.query(open, [tenants, token])
  const pause = performance.now() - fenced
  await store('moved')
  return pause
}

const storePhase = `with stored as (insert into cohort_moves (tenant, phase)
    select t, $2 from unnest($1::text[]) t
    on conflict (tenant) do update set phase = excluded.phase, changed_at = now() returning tenant)
  insert into cohort_events (tenant, phase) select tenant, $2 from stored`

interface Announced {
  readonly tenants: readonly string[]
  readonly token: string
  readonly mode: 'receiving' | 'read_only'
}

async function announce(client: pg.Client, { tenants, token, mode }: Announced): Promise<void> {
  const turns = `insert into rehome.turns (scope, tenant_id, number, token)
      select 'default', t, 1, $2::uuid from unnest($1::text[]) t
    on conflict (scope, tenant_id) do update set number = turns.number + 1, token = excluded.token`
  const flags = `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id,
      reason, retry_after_s, expires_at)
    select 'default', t, $3, $2::uuid, $2::uuid, $2::uuid, 'cohort', 1,
      case $3 when 'read_only' then clock_timestamp() + interval '15 s' end
    from unnest($1::text[]) t`
  const bump = `update rehome.buckets b set epoch = epoch + 1 from (select id from rehome.buckets
      where id in (select rehome.bucket_of(t) from unnest($1::text[]) t union select 1024)
      order by id for no key update) c where b.id = c.id`
  await client.query('begin')
  await client.query(turns, [tenants, token])
  await client.query(flags, [tenants, token, mode])
  await client.query('commit')
  // Snapshots that are older than the flags are to fail.
  await client.query(bump, [tenants])
}

async function drain(client: pg.Client, tenants: readonly string[]): Promise<void> {
  const query = `select count(*)::int as writers from pg_locks
    where locktype = 'advisory' and classid = 1919248495 and objsubid = 2 and granted
      and objid in (select rehome.bucket_of(t)::oid from unnest($1::text[]) t union select 1024)
      and database = (select oid from pg_database where datname = current_database())`
  while ((await client.query(query, [tenants])).rows[0].writers > 0) {}
}

async function refuseOccupied(target: pg.Client, tenants: readonly string[]): Promise<void> {
  const looks = tables.map((table) => `exists (select from ${ofTenants(table)})`)
  const { rows } = await target.query(`select ${looks.join(' or ')} as occupied`, [tenants])
  if (rows[0].occupied) throw new Error('a tenant has rows at the target')
}

/** `$1`: the tenants. */
function ofTenants(table: (typeof tables)[number], tenants = '$1'): string {
  return `${table} r where r.${table === 'tenants' ? 'id' : 'tenant_id'} = any (${tenants}::text[])`
}

async function copy(
  { source, target }: Clients,
  tenants: readonly string[],
  token: string,
): Promise<void> {
  const list = `array[${tenants.map(literal).join(', ')}]`
  const output = await callCopies(source, {
    statements: tables.map((table) => {
      return `copy (select r.* from ${ofTenants(table, list)}) to stdout (format binary)`
    }),
  })
  const hold = `select count(*) from (select from rehome.tenant_flags
      where scope = 'default' and tenant_id = any (${list}) and token = '${token}' for share) f`
  const statements = [
    beginWriting({ replicate: true, commits: 'durably' }),
    `select set_config('rehome.token', '${token}', true)`,
    hold,
    ...tables.map((table) => `copy ${table} from stdin (format binary)`),
    'commit',
  ]
  await callCopies(target, { statements, input: tables.map((_, i) => [output[i] ?? Buffer.of()]) })
}

async function compare({ source, target }: Clients, tenants: readonly string[]): Promise<void> {
  const digests = tables.map((table, i) => {
    const tenant = table === 'tenants' ? 'r.id' : 'r.tenant_id'
    const hash = 'hashint8extended(hash_record_extended(r, 0), 1)'
    return `select ${i} as i, ${tenant} as tenant, count(*) as rows, sum(${hash}) as sum
      from ${ofTenants(table)} group by 2`
  })
  const query = `${digests.join(' union all ')} order by 1, 2`
  const parents = `select count(*)::int as broken from (
      select r.tenant_id from ${ofTenants('items_1')} union all
      select r.tenant_id from ${ofTenants('items_2')}) r
    where not exists (select from tenants t where t.id = r.tenant_id)`
  const [there, here] = await Promise.all([
    source.query(query, [tenants]),
    target.query(query, [tenants]),
  ])
  if (JSON.stringify(there.rows) !== JSON.stringify(here.rows)) throw new Error('rows differ')
  const { rows } = await target.query(parents, [tenants])
  if (rows[0].broken > 0) throw new Error('a reference is broken')
}

const cutOver = `update rehome.tenant_flags set mode = 'moved', expires_at = null,
    moved_to = 'target', reason = 'moved'
  where scope = 'default' and tenant_id = any ($1) and token = $2 and mode = 'read_only'`
const open = `delete from rehome.tenant_flags
  where scope = 'default' and tenant_id = any ($1) and token = $2 and mode = 'receiving'`
