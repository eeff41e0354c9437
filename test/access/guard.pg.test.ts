// Guards run with their owner's rights inside the session of the writer. Nothing that a session
// may make or set (temporary objects, operators, settings) lets them look at something else.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drain } from '../../src/ends/postgres/fence/drain.ts'
import { raiseFence, removeFlag } from '../../src/ends/postgres/fence/tenant-flags.ts'
import { takeTurn } from '../../src/ends/postgres/fence/turns.ts'
import { createRolesWorld, type RolesWorld } from './roles-world.ts'

const raise = {
  ...{ scope: 'default', tenant: 'acme', token: randomUUID(), epoch: randomUUID() },
  ...{ moveId: randomUUID(), reason: 'test', retryAfterS: 1, leaseMs: 600_000 },
}
const acme = `tenant_id operator(pg_catalog.=) 'acme'::pg_catalog.text`
const writes = [
  `insert into public.visits values ('acme', '2026-06-01', 1)`,
  `update public.notes set body = 'x' where ${acme}`,
  `update public.notes set tenant_id = 'other' where ${acme}`,
  `delete from public.visits_2026 where ${acme}`,
  `insert into public.note_lines select id, 9, 'x' from public.notes where ${acme} limit 1`,
]

let world: RolesWorld

beforeAll(async () => {
  world = await createRolesWorld()
  await world.addTenant('acme')
  await world.addTenant('other')
  const application = pg.escapeIdentifier(world.roleAt('source', 'application'))
  await world.source.pool.query(`create schema mine authorization ${application};
    grant temporary on database ${world.source.name} to ${application}`)
  const mover = world.poolAt('source', 'mover')
  expect(await takeTurn(mover, raise, '1')).not.toBeNull()
  expect(await raiseFence(mover, raise)).not.toBeNull()
})

afterAll(async () => await world[Symbol.asyncDispose]())

/** A session of its own: what a guard has looked up once it does not look up again. */
async function inSession<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { connectionString } = world.poolAt('source', 'application').options
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  )
}

const temporary = [
  'tenant_flags',
  'buckets',
  'new_rows',
  'old_rows',
  'notes',
  'r',
  'again',
  'touched',
]
  .map((name) => `create temp table ${name} (like public.notes including all);`)
  .join('\n')
const functions = (schema: string) => `
  create function ${schema}.current_setting(text, boolean) returns text language sql
    as $$ select '${raise.token}' $$;
  create function ${schema}.current_setting(text) returns text language sql
    as $$ select 'anything' $$;
  create function ${schema}.hashtext(text) returns int language sql as $$ select 0 $$;
  create function ${schema}.unnest(text[]) returns setof text language sql as $$ select 'other' $$;
  create function ${schema}.array_agg(text) returns text[] language sql as $$ select '{}'::text[] $$;
  create function ${schema}.clock_timestamp() returns timestamptz language sql
    as $$ select 'infinity'::timestamptz $$;
  create function ${schema}.pg_advisory_xact_lock_shared(int, int) returns void language sql
    as $$ select $$;`
const operators = `
  grant usage on schema mine to public;
  create function mine.no(text, text) returns boolean language sql as $$ select false $$;
  create function mine.same(uuid, uuid) returns boolean language sql as $$ select true $$;
  create operator mine.= (leftarg = text, rightarg = text, function = mine.no);
  create operator mine.= (leftarg = uuid, rightarg = uuid, function = mine.same);
  create operator mine.<> (leftarg = text, rightarg = text, function = mine.no);
  create domain mine.text as pg_catalog.varchar(1);
  create type mine.uuid as (a int);`

const tricks: Record<string, string> = {
  'temporary tables with the names that a guard uses': `${temporary}
    set search_path = pg_temp, public, pg_catalog`,
  'temporary functions': `${functions('pg_temp')} set search_path = pg_temp, pg_catalog, public`,
  'functions, operators and types before those of PostgreSQL': `${functions('mine')} ${operators}
    set search_path = mine, pg_temp, public, pg_catalog`,
  'a search path of nothing': `set search_path = ''`,
  'a token that it made up': `set rehome.token = '${randomUUID()}'`,
  'a token of nothing': `set rehome.token = ''`,
  'settings that change what SQL means': `set standard_conforming_strings = off;
    set transform_null_equals = on; set array_nulls = off; set quote_all_identifiers = on;
    set backslash_quote = on; set escape_string_warning = off; set row_security = off;
    set DateStyle = 'German'; set bytea_output = 'escape'; set TimeZone = 'Asia/Tokyo';
    set plpgsql.extra_errors = 'all'; set check_function_bodies = off`,
  'settings that change how a statement is run': `set plan_cache_mode = force_generic_plan;
    set enable_indexscan = off; set enable_seqscan = off; set enable_bitmapscan = off;
    set work_mem = 64; set jit = on; set synchronous_commit = off`,
}

test.each(Object.entries(tricks))('a fence holds against %s', async (_, preparation) => {
  await inSession(async (client) => {
    await client.query(preparation)
    for (const write of writes) expect(await codeOf(client.query(write)), write).toBe('25006')
  })
})

test('a writer that gives every advisory lock back is waited for all the same', async () => {
  const mover = world.poolAt('source', 'mover')
  await removeFlag(mover, raise, 'read_only')
  await inSession(async (client) => {
    await client.query('begin')
    await client.query(writes[0] ?? '')
    await client.query(`select pg_advisory_unlock_all()`)
    await client.query(`select pg_advisory_unlock_shared(1919248495, b)
      from generate_series(0, 1024) b`)
    expect(await raiseFence(mover, raise)).not.toBeNull()
    const { signal } = new AbortController()
    const draining = drain(mover, { tenant: 'acme', drainMs: 50, signal })
    await expect(draining).rejects.toMatchObject({ code: 'DRAIN_TIMEOUT' })
    await client.query('rollback')
    await drain(mover, { tenant: 'acme', drainMs: 5_000, signal })
  })
})

test('what a guard tells those whom it refuses holds no token', async () => {
  await inSession(async (client) => {
    const error: unknown = await client.query(writes[0] ?? '').catch((refusal: unknown) => refusal)
    const { message, detail, hint, where, internalQuery, stack } = error as pg.DatabaseError
    expect(hint).toBe('rehome:fenced')
    const told = JSON.stringify({ message, detail, where, internalQuery, stack })
    for (const secret of [raise.token, raise.epoch]) expect(told).not.toContain(secret)
  })
})

test('every function of ours that runs as its owner names its search path', async () => {
  for (const end of ['source', 'target'] as const) {
    const query = `select proname, proconfig, prosecdef,
        has_function_privilege('public', p.oid, 'execute') as public
      from pg_proc p where pronamespace = 'rehome'::regnamespace`
    const { rows } = await world[end].pool.query(query)
    expect(rows.filter((row) => row.prosecdef).length).toBeGreaterThan(4)
    for (const { proname, proconfig, prosecdef, public: everybody } of rows) {
      // The key gives the right to open, and cannot be guessed. To look reveals no more
      // than to write does.
      expect(everybody, proname).toBe(['open_with_key', 'fences_of'].includes(proname))
      if (prosecdef) expect(proconfig).toContain('search_path=pg_catalog, pg_temp')
    }
  }
})
