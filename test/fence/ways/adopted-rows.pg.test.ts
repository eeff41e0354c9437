// A row becomes another tenant's by a change of its parents, in statements of one tenant each. Its
// own writer sees only whose it was: the write is logged for the tenant that gets the row, and the
// drain of that tenant waits for it.
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, table } from '../../../src/plan/plan.ts'
import { createFenced, type Fenced } from '../../helpers/fence/fenced.ts'
import { installFence } from '../../helpers/fence/install.ts'
import { createMover } from '../../helpers/fence/mover.ts'
import { openWriter } from '../../helpers/fence/writer.ts'
import { partOf } from '../../helpers/rotation.ts'

const plan = definePlan({
  name: 'adopted',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['beta'],
  strategy: 'online',
  tables: [
    table('orgs'),
    table('settings', { referencedBy: 'orgs.settings_id' }),
    table('codes'),
    table('uses', { through: { code: 'codes.code' } }),
    table('pages'),
    table('page_lines', { through: 'page_id' }),
  ],
})

const schema = `
  create table settings (id int primary key, v text);
  create table orgs (id int primary key, tenant_id text not null, settings_id int references settings);
  create index on orgs (settings_id);
  create table codes (id int primary key, tenant_id text not null, code text not null unique);
  create table uses (id int primary key, code text not null, v text);
  create table pages (id int primary key, tenant_id text);
  create table page_lines (id int primary key, page_id int not null references pages, v text);
  insert into settings values (1, 'old'), (2, 'old');
  insert into orgs values (1, 'acme', 1), (2, 'beta', null);
  insert into codes values (1, 'acme', 'x');
  insert into uses values (1, 'x', 'old');
  insert into pages values (1, null);
  insert into page_lines values (1, 1, 'old');`

interface Adoption {
  readonly child: string
  /** Statements by which the child with the id 1 becomes beta's. */
  readonly statements: readonly string[]
}

const adoptions: readonly (readonly [title: string, Adoption])[] = [
  [
    'a row that refers to it becomes another',
    {
      child: 'settings',
      statements: [
        'update orgs set settings_id = null where id = 1',
        'update orgs set settings_id = 1 where id = 2',
      ],
    },
  ],
  [
    'the parent is deleted and made anew, by no foreign key',
    {
      child: 'uses',
      statements: [
        `delete from codes where code = 'x'`,
        `insert into codes values (2, 'beta', 'x')`,
      ],
    },
  ],
  [
    'the parent gets its first tenant',
    { child: 'page_lines', statements: [`update pages set tenant_id = 'beta' where id = 1`] },
  ],
]

async function createAdopted(): Promise<Fenced> {
  const db = await createFenced()
  await db.pool.query(schema)
  await installFence(db.url, { plan, guardsOnly: true })
  return db
}

async function isNew(db: Fenced, child: string, id = 1): Promise<boolean> {
  const { rows } = await db.pool.query(`select v = 'new' as new from ${child} where id = ${id}`)
  return rows[0].new
}

/** Whether it has ended, where it does so by itself. */
const endsSoon = (work: Promise<unknown>) =>
  Promise.race([work.then(() => true), sleep(300).then(() => false)])

const levels = ['read committed', 'repeatable read'] as const

/** A transaction that has made these statements, and is open. */
async function writing(
  db: Fenced,
  statements: readonly string[],
  level: (typeof levels)[number] = 'read committed',
) {
  const writer = await openWriter(db, level)
  for (const one of statements) expect(await writer.write(one)).toBe('accepted')
  return writer
}

/** Beta is fenced, and the drain has met a writer. */
async function drainThatWaits(db: Fenced) {
  const mover = createMover(db, 'beta')
  await mover.raise()
  return await mover.drainThatWaits()
}

describe.each(partOf(adoptions, 2))('%s', (_, { child, statements }) => {
  const write = `update ${child} set v = 'new' where id = 1`

  test.each(levels)('%s: a write is logged for the tenant that gets the row', async (level) => {
    await using db = await createAdopted()
    await capture(db)
    await using parents = await writing(db, statements, level)
    await using writer = await openWriter(db, level)
    expect(await writer.write(write)).toBe('accepted')
    expect(await parents.commit()).toBe('accepted')
    expect(await writer.commit()).toBe('accepted')
    expect(await loggedFor(db, child)).toContainEqual({ tenant: 'beta', id: 1 })
  })

  test('a drain waits for a write that came while it waited', async () => {
    await using db = await createAdopted()
    await using parents = await writing(db, statements)
    const drain = await drainThatWaits(db)
    await using writer = await openWriter(db, 'read committed')
    expect(await writer.write(write)).toBe('accepted')
    expect(await parents.commit()).toBe('accepted')
    expect(await endsSoon(drain.done)).toBe(false)
    expect(await writer.commit()).toBe('accepted')
    await drain.done
    expect(await isNew(db, child)).toBe(true)
  })

  test('a snapshot of the time while a drain waited is too old when it is over', async () => {
    await using db = await createAdopted()
    await using parents = await writing(db, statements)
    const drain = await drainThatWaits(db)
    await using writer = await openWriter(db, 'repeatable read')
    await writer.write('select')
    expect(await parents.commit()).toBe('accepted')
    await drain.done
    expect(await writer.write(write)).toBe('40001')
  })

  test('a write after the drain is refused', async () => {
    await using db = await createAdopted()
    await using parents = await writing(db, statements)
    const drain = await drainThatWaits(db)
    await parents.commit()
    await drain.done
    await using writer = await openWriter(db, 'read committed')
    expect(await writer.write(write)).toBe('25006')
  })
})

test('a drain waits for a prepared write of a row that had no tenant', async () => {
  await using db = await createAdopted()
  await using parents = await openWriter(db, 'read committed')
  await parents.write('update orgs set settings_id = 2 where id = 2')
  const drain = await drainThatWaits(db)
  await using writer = await openWriter(db, 'read committed')
  const name = `write ${randomUUID()}`
  expect(await writer.write(`update settings set v = 'new' where id = 2`)).toBe('accepted')
  expect(await writer.write(`prepare transaction '${name}'`)).toBe('accepted')
  await parents.commit()
  expect(await endsSoon(drain.done)).toBe(false)
  await db.pool.query(`commit prepared '${name}'`)
  await drain.done
  expect(await isNew(db, 'settings', 2)).toBe(true)
})

async function capture({ pool }: Fenced): Promise<void> {
  await pool.query(
    `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
      retry_after_s, expires_at)
    values ('default', 'beta', 'capturing', $1, $1, $1, 'test', 1, now() + interval '1 h')`,
    [randomUUID()],
  )
}

async function loggedFor({ pool }: Fenced, name: string) {
  const query = `select c.oid::regclass::text as log from pg_class c where c.relkind = 'r'
    and c.relnamespace = 'rehome_log'::regnamespace and obj_description(c.oid) like '%.' || $1`
  const { log } = (await pool.query<{ log: string }>(query, [name])).rows[0] ?? {}
  return (await pool.query(`select rehome_tenant as tenant, id from ${log}`)).rows
}
