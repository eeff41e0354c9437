// `rehome migrate-if-needed`: the command runs only if migrations are pending, and not under
// read-only mode. The tables of the tools are as the tools make them.
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rehome } from '../helpers/command.ts'
import { createDatabase } from '../helpers/database.ts'
import { createWorld } from '../helpers/world.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehome migrations '))
})

afterAll(() => rm(folder, { recursive: true }))

async function write(files: Readonly<Record<string, string>>): Promise<string> {
  const own = await mkdtemp(join(folder, 'app-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(own, name)), { recursive: true })
    await writeFile(join(own, name), text)
  }
  return own
}

/** A command that leaves a file, and ends with this code. */
function command(file: string, code = 0): string[] {
  const script = `require('fs').writeFileSync(${JSON.stringify(file)}, ''); process.exit(${code})`
  return ['--', process.execPath, '-e', script]
}

const exists = async (file: string) =>
  await access(file).then(
    () => true,
    () => false,
  )

const twoFiles = (...names: string[]) => Object.fromEntries(names.map((name) => [name, '']))
const journal = JSON.stringify({
  entries: [
    { idx: 0, when: 1000, tag: '0000_a' },
    { idx: 1, when: 2000, tag: '0001_b' },
  ],
})

/** The first migration was run, the second one was not, or has failed. */
const tools = [
  {
    tool: 'rails',
    files: twoFiles('20260101000000_a.rb', '20260102000000_b.rb', 'schema.rb'),
    table: `create table schema_migrations (version varchar primary key);
      insert into schema_migrations values ('20260101000000')`,
    rest: `insert into schema_migrations values ('20260102000000')`,
    pending: '20260102000000_b.rb',
  },
  {
    tool: 'prisma',
    files: twoFiles('1_a/migration.sql', '2_b/migration.sql', 'migration_lock.toml'),
    table: `create table _prisma_migrations (migration_name text, finished_at timestamptz,
        rolled_back_at timestamptz);
      insert into _prisma_migrations values
        ('1_a', now(), null), ('2_b', null, null), ('2_b', now(), now())`,
    rest: `insert into _prisma_migrations values ('2_b', now())`,
    pending: '2_b',
  },
  {
    tool: 'drizzle',
    files: { 'meta/_journal.json': journal, '0000_a.sql': '', '0001_b.sql': '' },
    table: `create schema drizzle;
      create table drizzle.__drizzle_migrations (id serial, hash text, created_at bigint);
      insert into drizzle.__drizzle_migrations (created_at) values (1000)`,
    rest: 'insert into drizzle.__drizzle_migrations (created_at) values (2000)',
    pending: '0001_b',
  },
  {
    tool: 'knex',
    files: twoFiles('1_a.js', '2_b.ts', '2_b.d.ts'),
    table: `create table knex_migrations (id serial, name text);
      insert into knex_migrations (name) values ('1_a.js')`,
    rest: `insert into knex_migrations (name) values ('2_b.ts')`,
    pending: '2_b.ts',
  },
  {
    tool: 'kysely',
    files: twoFiles('1_a.js', '2_b.ts', '2_b.d.ts'),
    table: `create table kysely_migration (name text, timestamp text);
      insert into kysely_migration values ('1_a')`,
    rest: `insert into kysely_migration values ('2_b')`,
    pending: '2_b.ts',
  },
  {
    tool: 'flyway',
    files: twoFiles('V1__a.sql', 'V2__b.sql', 'U2__b.sql'),
    table: `create table flyway_schema_history (script text, success boolean);
      insert into flyway_schema_history values ('V1__a.sql', true), ('V2__b.sql', false)`,
    rest: `update flyway_schema_history set success = true`,
    pending: 'V2__b.sql',
  },
]

describe.each(tools)('migrations of $tool', ({ files, table, rest, pending }) => {
  test('are run if one is pending, and not again', async () => {
    await using database = await createDatabase()
    await database.pool.query(table)
    const own = await write(files)
    const ran = join(own, 'ran')
    const ask = async (...args: string[]) =>
      await rehome(['migrate-if-needed', '--migrations', own, ...args], {
        DATABASE_URL: database.url,
      })
    expect(await ask('--dry-run')).toMatchObject({ code: 0, error: `pending: ${pending}\n` })
    expect(await ask(...command(ran, 7))).toMatchObject({ code: 7, error: `pending: ${pending}\n` })
    expect(await exists(ran)).toBe(true)
    await rm(ran)
    await database.pool.query(rest)
    const none = { code: 0, out: 'no migration is pending\n', error: '' }
    expect(await ask(...command(ran, 7))).toMatchObject(none)
    expect(await exists(ran)).toBe(false)
  })
})

test('read-only mode refuses pending migrations, and nothing else', async () => {
  await using world = await createWorld()
  const table = 'create table schema_migrations (version varchar primary key)'
  await world.source.pool.query(table)
  const own = await write(twoFiles('1_a.rb'))
  const ran = join(own, 'ran')
  const at = ['--url-from', 'SOURCE_URL']
  const ask = async (...args: string[]) => await rehome([...args], world.environment)
  const migrate = ['migrate-if-needed', '--migrations', own, ...at, ...command(ran)]
  await ask('read-only', 'on', ...at, '--reason', 'we move house')
  const refused = await ask(...migrate)
  expect(refused.code).toBe(3)
  expect(refused.error).toContain(
    'NOT_ALLOWED_NOW: 1 migrations are pending, the first is "1_a.rb"',
  )
  expect(refused.error).toContain('read-only: we move house')
  expect(await exists(ran)).toBe(false)
  await world.source.pool.query(`insert into schema_migrations values ('1')`)
  expect(await ask(...migrate)).toMatchObject({ code: 0, out: 'no migration is pending\n' })
  await world.source.pool.query('delete from schema_migrations')
  await ask('read-only', 'off', ...at)
  expect((await ask(...migrate)).code).toBe(0)
  expect(await exists(ran)).toBe(true)
})

describe('a mistake of the call', () => {
  test.each([
    ['no command', [], '', 'name the migration command after --'],
    [
      'no tool',
      ['--', 'true'],
      '',
      'tables of migration tools in the database: none; name the tool',
    ],
    [
      'two tools',
      ['--', 'true'],
      'create table knex_migrations (name text); create table kysely_migration (name text)',
      'database: knex, kysely; name the tool with --tool',
    ],
    [
      'no folder',
      ['--tool', 'flyway', '--', 'true'],
      '',
      'folder "sql" of migrations cannot be read',
    ],
  ])('%s', async (_, args, sql, message) => {
    await using database = await createDatabase()
    await database.pool.query(sql || 'select')
    const asked = ['migrate-if-needed', ...args]
    const { code, error } = await rehome(asked, { DATABASE_URL: database.url })
    expect([code, error]).toEqual([2, expect.stringContaining(message)])
  })
})
