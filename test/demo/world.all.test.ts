// The demonstration's databases as they are before anything moves.
import type { Pool } from 'pg'
import { describe, expect, test } from 'vitest'
import { seedSource } from '../../demo/data/seed.ts'
import { tenantNames } from '../../demo/data/tenant-names.ts'
import { failingTenant, repairFault } from '../../demo/fault.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'
import { small, smallSource, smallTarget, texts } from './small-world.ts'

describe('the seed', () => {
  // A tenth of the demonstration's own size.
  test('makes about 30,000 rows of 40 tenants, from a fifth to a handful', async () => {
    await using source = await createDatabase()
    const seeded = await seedSource(source.url, { rows: 30_000 })
    expect(seeded.tenants.map((tenant) => tenant.id)).toEqual(tenantNames)
    expect(seeded.rows).toBeGreaterThan(29_900)
    expect(seeded.rows).toBeLessThan(30_100)
    expect(seeded.tenants[0]?.rows).toBeGreaterThan(5_900)
    expect(seeded.tenants.at(-1)?.rows).toBeLessThan(10)
    expect(seeded.rows).toBe(seeded.tenants.reduce((sum, tenant) => sum + tenant.rows, 0))
  })

  test('makes the same rows each time', async () => {
    const [one, other] = [await freshSource(), await freshSource()]
    expect(await digest(one.pool)).toEqual(await digest(other.pool))
    await Promise.all([one.drop(), other.drop()])
  })

  test('holds the types and the values that are easily damaged on their way', async () => {
    await using source = await smallSource()
    const types = await texts(
      source.pool,
      `select distinct format_type(atttypid, null)
        from pg_attribute join pg_class c on c.oid = attrelid
        where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0`,
    )
    expect(types).toEqual(expect.arrayContaining(wantedTypes))
    for (const [what, condition] of Object.entries(damageable)) {
      const found = await texts(source.pool, `select count(*) from tasks where ${condition}`)
      expect(Number(found[0]), what).toBeGreaterThan(0)
    }
  })

  test('keeps the ids of the target apart from those that will come', async () => {
    await using source = await smallSource()
    await using target = await smallTarget()
    for (const name of ['projects', 'tasks', 'checklist_items', 'comments', 'activity']) {
      const [last] = await texts(source.pool, `select max(id) from ${name}`)
      const [first] = await texts(target.pool, `select min(id) from ${name}`)
      expect(Number(last), name).toBeLessThan(Number(first))
    }
    const residents = await texts(target.pool, 'select id from tenants')
    expect(residents).toHaveLength(3)
    expect(residents.filter((id) => tenantNames.includes(id))).toEqual([])
  })

  test('has one task that the new data model refuses, until its tenant repairs it', async () => {
    await using source = await smallSource()
    const faulty = 'select distinct tenant_id from tasks where estimate_hours < 0'
    expect(await texts(source.pool, faulty)).toEqual([failingTenant])
    expect(await repairFault(source.url)).toBe(1)
    expect(await texts(source.pool, faulty)).toEqual([])
  })
})

const wantedTypes = [
  ...['bigint', 'integer', 'smallint', 'numeric', 'double precision', 'boolean', 'text', 'uuid'],
  ...['character varying', 'bytea', 'date', 'timestamp with time zone', 'interval', 'inet'],
  ...['json', 'jsonb', 'int4range', 'text[]', 'integer[]', 'plan', 'task_status'],
]

const damageable = {
  quote: `title like '%''%'`,
  backslash: `position(e'\\\\' in title) > 0`,
  tab: `position(chr(9) in title) > 0`,
  'line feed': `position(chr(10) in title) > 0`,
  'carriage return': `position(chr(13) in title) > 0`,
  'the NULL of COPY': `title = e'\\\\N'`,
  'the end of COPY': `title = e'\\\\.'`,
  'the word NULL': `title = 'NULL'`,
  'an empty text': `title = ''`,
  'blanks around': `title like ' %'`,
  'a percent sign': `title like '%\\%%'`,
  emoji: `title like '%🚀%'`,
  'right to left': `title like '%שלום%'`,
  'a combining mark': `position(e'\\u0301' in title) > 0`,
  'a long text': 'char_length(title) > 10000',
  microseconds: `extract(microseconds from created_at)::int % 1000 <> 0`,
  infinity: `due_on = 'infinity'`,
  'before Christ': `due_on < '0001-01-01'`,
  'an array with NULL': `reminder_days::text like '%NULL%'`,
  'an array of arrays': 'array_ndims(reminder_days) = 2',
  'NULL as an array': 'reminder_days is null',
  'a number no double holds': `custom::text like '%123456789012345678900000%'`,
  'the null of JSON': `jsonb_typeof(custom) = 'null'`,
  'a parent in the same table': 'parent_id is not null',
  'a generated value': 'done',
}

async function freshSource(): Promise<TestDatabase> {
  const source = await createDatabase()
  await seedSource(source.url, small)
  return source
}

/** One text for all rows of a table, but for the one that tells the time. */
async function digest(pool: Pool): Promise<string[]> {
  const names = await texts(
    pool,
    `select relname from pg_class where relnamespace = 'public'::regnamespace
      and relkind in ('r', 'p') and not relispartition order by 1`,
  )
  const sums = names
    .filter((name) => name !== 'sign_ins')
    .map(
      (name) => `select '${name} ' || md5(string_agg(r::text, '' order by r::text))
      from ${name} r`,
    )
  return await texts(pool, sums.join(' union all '))
}
