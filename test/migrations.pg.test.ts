// Looking only reads; applying is done once, however often and by however many it is asked for.
import { describe, expect, test } from 'vitest'
import { type MigrationSet, migrate, pendingMigrations, readMigrations } from '../src/migrations.ts'
import { createPool, type Pool } from '../src/postgres.ts'
import { createDatabase, type TestDatabase } from './helpers/database.ts'

const sets: { set: MigrationSet; schema: string }[] = [
  { set: 'control', schema: 'rehome_control' },
  { set: 'endpoint', schema: 'rehome' },
]

async function namesOf(set: MigrationSet): Promise<string[]> {
  return (await readMigrations(set)).map((file) => file.name)
}

/** A pool with one connection, for what is asked in and of one session. */
async function withPool<T>(url: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ url, name: 'migrations', size: 1 })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

/** Everything in the schema, by name and kind, and when each migration was applied. */
async function contents(database: TestDatabase, schema: string): Promise<unknown[]> {
  const objects = `
    select relkind::text as kind, relname::text as name from pg_class
      where relnamespace = to_regnamespace($1)
    union all select 'function', proname from pg_proc where pronamespace = to_regnamespace($1)
    union all select 'constraint', conname from pg_constraint
      where connamespace = to_regnamespace($1)
    order by 1, 2`
  const { rows } = await database.pool.query(objects, [schema])
  const applied = await database.pool.query(`select * from ${schema}.migrations order by name`)
  return [...rows, ...applied.rows]
}

describe.each(sets)('the migrations of the $set', ({ set, schema }) => {
  test('are numbered without a gap and in an order that sorting keeps', async () => {
    const numbers = (await namesOf(set)).map((name) => /^(\d{3})_[a-z_]+$/.exec(name)?.[1])
    expect(numbers).toEqual(numbers.map((_, i) => String(i + 1).padStart(3, '0')))
  })

  test('are all pending in an empty database, and looking takes no transaction id', async () => {
    await using database = await createDatabase()
    await withPool(database.url, async (pool) => {
      await pool.query('begin transaction read only')
      expect(await pendingMigrations(pool, set)).toEqual(await namesOf(set))
      const { rows } = await pool.query('select pg_current_xact_id_if_assigned() as id')
      expect(rows).toEqual([{ id: null }])
      await pool.query('commit')
    })
    const made = await database.pool.query('select to_regnamespace($1) as schema', [schema])
    expect(made.rows).toEqual([{ schema: null }])
  })

  test('can be looked for by a role that may only read', async () => {
    await using database = await createDatabase()
    const role = `reader_${database.name}`
    await database.pool.query(`create role ${role} login password 'reader'`)
    const url = new URL(database.url)
    url.username = role
    url.password = 'reader'
    const look = () => withPool(url.href, (pool) => pendingMigrations(pool, set))
    expect(await look()).toEqual(await namesOf(set))
    await migrate(database.pool, set)
    await database.pool.query(`grant usage on schema ${schema} to ${role};
      grant select on all tables in schema ${schema} to ${role}`)
    expect(await look()).toEqual([])
    await database.pool.query(`drop owned by ${role}; drop role ${role}`)
  })

  test('are applied in order, and a second time there is nothing to do', async () => {
    await using database = await createDatabase()
    expect(await migrate(database.pool, set)).toEqual(await namesOf(set))
    const before = await contents(database, schema)
    expect(await migrate(database.pool, set)).toEqual([])
    expect(await contents(database, schema)).toEqual(before)
  })

  test('that are nowhere pending cost no write', async () => {
    await using database = await createDatabase()
    await migrate(database.pool, set)
    await withPool(database.url, async (pool) => {
      await pool.query('begin transaction read only')
      expect(await migrate(pool, set)).toEqual([])
      const { rows } = await pool.query('select pg_current_xact_id_if_assigned() as id')
      expect(rows).toEqual([{ id: null }])
      await pool.query('commit')
    })
  })

  test('are applied once by several that begin at the same time, and all succeed', async () => {
    for (let round = 0; round < 3; round += 1) {
      await using database = await createDatabase()
      const applied = await Promise.all(
        [1, 2, 3, 4].map(() => withPool(database.url, (pool) => migrate(pool, set))),
      )
      expect(applied.flat()).toEqual(await namesOf(set))
      expect(await withPool(database.url, (pool) => pendingMigrations(pool, set))).toEqual([])
    }
  })

  test('that fail leave nothing half done, and say why', async () => {
    await using database = await createDatabase()
    // In the way of what the first file creates.
    const first = set === 'control' ? 'runs' : 'buckets'
    await database.pool.query(`create schema ${schema}; create table ${schema}.${first} ()`)
    await expect(migrate(database.pool, set)).rejects.toMatchObject({ code: '42P07' })
    expect(await pendingMigrations(database.pool, set)).toEqual(await namesOf(set))
    await database.pool.query(`drop table ${schema}.${first}`)
    expect(await migrate(database.pool, set)).toEqual(await namesOf(set))
  })
})

test('both sets can live in one database', async () => {
  await using database = await createDatabase()
  await Promise.all(sets.map(({ set }) => migrate(database.pool, set)))
  for (const { set } of sets) expect(await pendingMigrations(database.pool, set)).toEqual([])
})

describe('a database that cannot take the migrations is refused in one line', () => {
  test.each(sets)('where $schema came without its rows', async ({ set, schema }) => {
    await using database = await createDatabase()
    await withPool(database.url, async (pool) => {
      await migrate(pool, set)
      await pool.query(`truncate ${schema}.migrations, ${schema}.migrations_lock`)
      const refused = migrate(pool, set)
      await expect(refused).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' })
      await expect(refused).rejects.toThrow(/came without its rows.*drop schema.*rehome init/)
    })
  })

  test('where its encoding is not UTF8', async () => {
    await using database = await createDatabase()
    const name = `${database.name}_latin`
    await database.pool.query(`create database ${name} template template0 encoding latin1
      locale_provider 'libc' locale 'C'`)
    const url = new URL(database.url)
    url.pathname = `/${name}`
    await withPool(url.href, async (pool) => {
      await expect(migrate(pool, 'endpoint')).rejects.toThrow(
        `the encoding of database "${name}" is LATIN1: rehome needs UTF8`,
      )
    })
    await database.pool.query(`drop database ${name}`)
  })
})
