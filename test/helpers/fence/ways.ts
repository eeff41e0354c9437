// Every way in which a transaction can change a tenant's rows. Each changes at least one row of the
// tenant that it is given, as long as it is the first one used on that tenant.
import { finished } from 'node:stream/promises'
import type { PoolClient } from 'pg'
import copyStreams from 'pg-copy-streams'
import { noteOf, partnerOf, type Tenant } from './schema.ts'

export interface Way {
  readonly title: string
  /** In the writer's session, before its transaction. */
  prepare?(client: PoolClient): Promise<unknown>
  write(client: PoolClient, tenant: Tenant): Promise<unknown>
}

function statement(title: string, text: (tenant: Tenant, note: number) => string): Way {
  return { title, write: (client, tenant) => client.query(text(tenant, noteOf(tenant))) }
}

export const ways: readonly Way[] = [
  statement('an insert', (t) => `insert into visits values ('${t}', '2026-02-02', 1)`),
  statement('an update', (t) => `update notes set body = 'new' where tenant_id = '${t}'`),
  statement('a delete', (t) => `delete from visits where tenant_id = '${t}'`),
  statement('a row that a parent tells the tenant of', (_, n) => {
    return `insert into note_lines values (${n}, 7, 'new')`
  }),
  statement('a row whose parent came with it', (t, n) => {
    return `with n as (insert into notes values (${n + 5}, '${t}') returning id)
      insert into note_lines select id, 1, 'new' from n`
  }),
  statement('an update of rows below a parent', (_, n) => {
    return `update note_lines set text = 'new' where note_id = ${n}`
  }),
  statement('a row of a partition, written directly', (t) => {
    return `insert into visits_2025 values ('${t}', '2025-01-01', 1)`
  }),
  statement('a row of a partition of a partition', (t) => {
    return `update visits_2026_h1 set hits = 5 where tenant_id = '${t}'`
  }),
  statement('a row in the middle of a partition tree', (t) => {
    return `delete from visits_2026 where tenant_id = '${t}'`
  }),
  statement('a row that moves to another partition', (t) => {
    return `update visits set day = '2026-12-12' where tenant_id = '${t}' and day = '2025-05-05'`
  }),
  statement('a row that another tenant gets', (t) => {
    return `update visits set tenant_id = '${partnerOf(t)}', day = '2026-02-02'
      where tenant_id = '${t}' and day = '2025-05-05'`
  }),
  statement('a row that comes from another tenant', (t) => {
    return `update visits set tenant_id = '${t}', day = '2026-02-02'
      where tenant_id = '${partnerOf(t)}' and day = '2025-05-05'`
  }),
  statement('a parent that another tenant gets', (t, n) => {
    return `update notes set tenant_id = '${partnerOf(t)}' where id = ${n}`
  }),
  statement('a parent that comes from another tenant', (t) => {
    return `update notes set tenant_id = '${t}' where id = ${noteOf(partnerOf(t))}`
  }),
  statement('a row below a parent that another tenant gets it from', (t, n) => {
    return `update note_lines set note_id = ${n}, line = 9
      where note_id = ${noteOf(partnerOf(t))} and line = 1`
  }),
  statement('on conflict do update', (t) => {
    return `insert into visits values ('${t}', '2025-05-05', 9)
      on conflict (tenant_id, day) do update set hits = excluded.hits`
  }),
  statement('on conflict do nothing, of which one row is new', (t) => {
    return `insert into visits values ('${t}', '2025-05-05', 9), ('${t}', '2026-02-02', 9)
      on conflict do nothing`
  }),
  statement('merge', (t) => {
    return `merge into visits v using (values ('${t}', date '2025-05-05'), ('${t}', '2026-02-02'))
        x (t, d) on v.tenant_id = x.t and v.day = x.d
      when matched then update set hits = 9 when not matched then insert values (x.t, x.d, 9)`
  }),
  statement('a statement in a common table expression', (t) => {
    return `with gone as (delete from visits where tenant_id = '${t}' returning 1)
      select count(*) from gone`
  }),
  statement('a cascade of a delete', (_, n) => `delete from notes where id = ${n}`),
  statement('a cascade of a new key', (_, n) => `update notes set id = ${n + 5} where id = ${n}`),
  statement('a cascade from a table without guards', (t) => {
    return `update moods set name = 'new ${t}' where name = 'calm ${t}'`
  }),
  statement('on delete set null, from a table without guards', (t) => {
    return `delete from moods where name = 'calm ${t}'`
  }),
  statement('a trigger of a table without guards', (t) => {
    return `insert into inbox values ('${t}', '2026-02-02')`
  }),
  statement('a view', (t) => `update plain_visits set hits = 9 where tenant_id = '${t}'`),
  statement('a view with a trigger', (t) => `insert into calls values ('${t}', '2026-02-02')`),
  statement('a rule', (t) => `insert into drop_box values ('${t}', '2026-02-02')`),
  statement('a function that runs as somebody else', (t) => {
    return `select add_visit('${t}', '2026-02-02')`
  }),
  statement('a block of code', (t) => {
    return `do $$ begin update visits set hits = 9 where tenant_id = '${t}'; end $$`
  }),
  statement('a statement for all tenants', () => 'update notes set body = body || 1'),
  {
    title: 'copy from',
    async write(client, tenant) {
      const stream = client.query(copyStreams.from('copy visits from stdin'))
      stream.end(`${tenant}\t2026-02-02\t1\n${tenant}\t2025-02-02\t1\n`)
      await finished(stream)
    },
  },
  {
    title: 'a prepared statement whose plan is older than the fence',
    async prepare(client) {
      await client.query(
        'prepare hit (text) as update visits set hits = hits + 1 where tenant_id = $1',
      )
      // From the sixth use on the server keeps one plan for all values.
      for (let i = 0; i < 6; i += 1) await client.query(`execute hit ('nobody')`)
    },
    write: (client, tenant) => client.query(`execute hit ('${tenant}')`),
  },
  {
    title: 'a cursor',
    async write(client, tenant) {
      await client.query(`declare c cursor for select from visits_2025
        where tenant_id = '${tenant}' for update`)
      await client.query('fetch c')
      await client.query(`update visits_2025 set hits = 9 where current of c`)
    },
  },
  {
    title: 'a session without foreign keys and ordinary triggers',
    prepare: (client) => client.query('set session_replication_role = replica'),
    write: (client, tenant) =>
      client.query(`update visits set hits = 9 where tenant_id = '${tenant}'`),
  },
]

/** Adds savepoints around the write: what is kept of it counts, and what is not does not. */
export function inSavepoint(way: Way): Way {
  return {
    ...way,
    title: `${way.title}, in a savepoint that is released`,
    async write(client, tenant) {
      await client.query('savepoint s')
      await way.write(client, tenant)
      await client.query('release s')
    },
  }
}
