// Which schemas a clean-up drops, what it keeps, and how it goes on where they are gone already.
import { expect, test } from 'vitest'
import { readTemplate } from '../../src/ends/postgres/template/template.ts'
import { table } from '../../src/plan/plan.ts'
import { createPool, inTransaction } from '../../src/postgres.ts'
import { createDatabase } from '../helpers/database.ts'
import { createShapesWorld } from '../helpers/schemas/shapes.ts'

test('sequences that no move brings are kept, and logs with types of the schema are not', async () => {
  await using world = await createShapesWorld({
    shapes: { source: 'schema', target: 'column' },
    tenants: ['acme', 'other', 'gone', 'busy'],
    atTarget: 'create table moods (tenant_id text, mood mood, primary key (tenant_id, mood))',
    plan: {
      strategy: 'online',
      rollback: { windowMs: 0 },
      pause: { budgetMs: 60_000 },
      cleanup: { drop: true },
      tables: [
        ...['customers', 'orders', 'visits', 'moods'].map((name) => table(name)),
        table('order_lines', { through: 'order_id' }),
      ],
    },
    atSource: (schema) => `create table ${schema}.moods (mood ${schema}.mood primary key)`,
  })
  const { pool } = world.source
  const cleaned = async (tenant: string, between: string) => {
    const { runId } = await world.move(tenant)
    await pool.query(between)
    const ask = () => world.rehome.cleanup(runId, { tenants: [tenant] })
    const { phase, evidence, error_code } = await world.carry(tenant, ask)
    const { droppedSchema, schemaKept } = Object(evidence)
    return { phase, error_code, droppedSchema, schemaKept }
  }
  const dropped = { phase: 'cleaned', error_code: null, droppedSchema: true }
  expect(await cleaned('acme', 'create sequence tenant_acme.invoices')).toEqual({
    ...dropped,
    droppedSchema: false,
    schemaKept: 'it holds sequence tenant_acme.invoices',
  })
  expect(await cleaned('other', 'create sequence numbers')).toEqual(dropped)
  expect(await cleaned('gone', 'drop schema tenant_gone cascade')).toEqual(dropped)

  const reader = await pool.connect()
  await reader.query('begin; select from tenant_busy.orders')
  const kept = await cleaned('busy', 'select').finally(() => reader.release(true))
  const schemaKept = 'somebody has used one of its tables for 2 s'
  expect(kept).toEqual({ ...dropped, droppedSchema: false, schemaKept })
})

test('owners of tables own them in a schema that another role owns', async () => {
  await using database = await createDatabase()
  const pool = createPool({ url: database.url, name: 'makers', size: 1 })
  await pool.query(`do $$ begin create role shapes_lord; create role shapes_tenant; create role shapes_maker;
      exception when others then null; end $$;
    grant shapes_lord, shapes_tenant to shapes_maker;
    create schema mould authorization shapes_lord;
    grant usage, create on schema mould to shapes_tenant;
    create table mould.notes (id int primary key);
    alter table mould.notes owner to shapes_tenant;
    do $$ begin execute format('grant create on database %I to shapes_maker', current_database()); end $$`)
  const made = inTransaction(pool, async (client) => {
    await client.query('set local role shapes_maker')
    for (const statement of (await readTemplate(client, 'mould'))('made')) {
      await client.query(statement)
    }
    const query = `select relowner::regrole::text as owner, nspowner::regrole::text as lord
      from pg_class c join pg_namespace n on n.oid = relnamespace where relname = 'notes' and nspname = 'made'`
    return (await client.query(query)).rows
  })
  expect(await made.finally(() => pool.end())).toEqual([
    { owner: 'shapes_tenant', lord: 'shapes_lord' },
  ])
})
