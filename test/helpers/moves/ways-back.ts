// What becomes of each column, key and row on the way back, by what the plan says of the way there.
import { expect } from 'vitest'
import { table } from '../../../src/plan/plan.ts'
import { expectHome, flagsAt, rowsAt, runAll } from '../runs.ts'
import { back, onlinePlan as plan, writeThere } from '../way-back.ts'
import type { World, WorldOptions } from '../world.ts'

type Story = (createWorld: (options: WorldOptions) => Promise<World>) => Promise<void>

export const waysBack: Readonly<Record<string, Story>> = {
  'columns that only the old home has keep what they held': async (createWorld) => {
    const tables = [
      table('tenants', { tenant: 'id' }),
      table('notes', { columns: { drop: ['raw', 'tags'], rename: { body: 'text' } } }),
      table('note_lines', { through: 'note_id' }),
      table('visits'),
    ]
    const target = 'alter table notes drop column raw, drop column tags, drop column words;'
    const more = `alter table notes rename column body to text;
      alter table notes add column words int generated always as (length(text)) stored`
    await using world = await createWorld({ plan: { ...plan, tables }, target: `${target}${more}` })
    await world.addTenant('acme', 6)
    const query = `select id, raw, tags from notes where tenant_id = 'acme' order by id`
    const before = (await world.source.pool.query(query)).rows
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', [
      `update notes set text = text || '!' where tenant_id = $`,
      `insert into notes (tenant_id, text) values ($, 'new')`,
    ])
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    const after = (await world.source.pool.query(query)).rows
    expect(after.slice(0, 6)).toEqual(before)
    expect(after[6]).toMatchObject({ raw: null, tags: null })
  },

  'what cannot go back is counted, and nothing is lost': async (createWorld) => {
    const tables = [
      table('tenants', { tenant: 'id' }),
      table<{ body: string }>('notes', {
        columns: { drop: ['words'] },
        transform: (row) => ({ ...row, body: row.body.toUpperCase() }),
      }),
      table('note_lines', { through: 'note_id' }),
      table('visits'),
    ]
    await using world = await createWorld({ plan: { ...plan, tables } })
    expect(await world.rehome.oneWayTables(world.plan())).toEqual([
      { where: 'target table "notes"', message: 'its transform has no `invert`' },
    ])
    await world.addTenant('acme', 6)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', [`update visits set hits = hits + 1 where tenant_id = $`])
    const moved = await rowsAt(world, 'target', 'acme')
    await writeThere(world, 'acme', [`update notes set amount = 0 where tenant_id = $`])
    const refused = await back(world, run, 'acme')
    expect(refused).toContain('moved WRITES_WOULD_BE_LOST: ')
    expect(refused).toMatch(/"notes": \d+, as its transform has no `invert`/)
    await expectHome(world, 'acme', 'target')
    expect(await flagsAt(world, 'source')).toEqual([['acme', 'moved']])
    expect(moved.length).toBeGreaterThan(0)
  },

  '`invert` brings back what a transform has made': async (createWorld) => {
    const tables = [
      table('tenants', { tenant: 'id' }),
      table<{ body: string; words?: number }, { body: string; words?: number }>('notes', {
        columns: { drop: ['words'] },
        transform: ({ body, ...row }) => ({ ...row, body: `<${body}>` }),
        invert: ({ body, words, ...row }) => ({ ...row, body: body.slice(1, -1) }),
      }),
      table('note_lines', { through: 'note_id' }),
      table('visits'),
    ]
    await using world = await createWorld({ plan: { ...plan, tables } })
    await world.addTenant('acme', 6)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', [
      `update notes set body = '<changed>' where tenant_id = $ and amount < 3`,
      `insert into notes (tenant_id, body) values ($, '<new>')`,
      `delete from notes where tenant_id = $ and amount > 5`,
    ])
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    const query = `select body from notes where tenant_id = 'acme' order by amount, id`
    const bodies = (await world.source.pool.query(query)).rows.map(({ body }) => body)
    expect(bodies).toHaveLength(5)
    expect(bodies.slice(0, 2)).toEqual(['changed', 'changed'])
    expect(bodies[4]).toBe('new')
    expect(bodies[2]).toContain('quoted')
  },

  'what an `invert` returns comes back, and what it leaves out stays': async (createWorld) => {
    type Page = { text: string; code?: string; old?: string }
    const pages = table<Page, Page>('pages', {
      columns: { drop: ['code', 'mood'] },
      transform: ({ text, old: _, ...row }) => ({ ...row, text: `<${text}>` }),
      invert: ({ text, ...row }) => ({ ...row, text: text.slice(1, -1), code: text.slice(1, 2) }),
    })
    await using world = await createWorld({
      plan: { ...plan, tables: [table('tenants', { tenant: 'id' }), pages] },
      both: `drop table note_lines, notes, visits;
        create table pages (id int primary key, tenant_id text, text text)`,
      source: `alter table pages add code text, add mood text, add old text default 'new'`,
    })
    await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Acme');
      insert into pages values (1, 'acme', 'one', 'o', 'calm', 'kept'),
        (2, 'acme', 'two', 't', 'busy', null), (3, 'acme', 'three', 't', 'calm', 'kept')`)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', [
      `update pages set text = '<changed>' where id < 3`,
      `insert into pages values (4, $, '<four>')`,
    ])
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    const query = 'select text, code, mood, old from pages order by id'
    expect((await world.source.pool.query(query)).rows.map((row) => Object.values(row))).toEqual([
      ['changed', 'c', 'calm', 'kept'],
      ['changed', 'c', 'busy', null],
      ['three', 't', 'calm', 'kept'],
      ['four', 'f', null, 'new'],
    ])
  },

  'a value that only the new home can hold is no reason to lose it': async (createWorld) => {
    await using world = await createWorld({
      plan: { ...plan, attempts: 1, tables: [table('tenants', { tenant: 'id' }), table('visits')] },
      both: 'drop table note_lines, notes',
      target: 'alter table visits alter column hits type numeric',
    })
    await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Acme')`)
    await world.source.pool.query(`insert into visits values ('acme', '2026-01-01', 7)`)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', [`update visits set hits = 7.5 where tenant_id = $`])
    expect(await back(world, run, 'acme')).toContain('moved ROWS_DIFFER')
    const { rows } = await world.target.pool.query('select hits::text from visits')
    expect(rows).toEqual([{ hits: '7.5' }])
    await writeThere(world, 'acme', [`update visits set hits = 8 where tenant_id = $`])
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    const home = await world.source.pool.query('select hits from visits')
    expect(home.rows).toEqual([{ hits: 8 }])
  },

  'a column is not taken for the one that it was renamed to': async (createWorld) => {
    const tables = [
      table('tenants', { tenant: 'id' }),
      table('pages', { columns: { drop: ['body'], rename: { text: 'body' } } }),
    ]
    await using world = await createWorld({
      plan: { ...plan, tables },
      both: 'drop table note_lines, notes, visits',
      source:
        'create table pages (id int primary key, tenant_id text, body text, text text, n int)',
      target: 'create table pages (id int primary key, tenant_id text, body text, n int)',
    })
    await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Acme');
      insert into pages values (1, 'acme', 'old body', 'text', 1), (2, 'acme', 'older', 'two', 2)`)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', [
      `update pages set n = 10 where id = 1`,
      `update pages set body = 'new text' where id = 2`,
    ])
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    const { rows } = await world.source.pool.query('select body, text, n from pages order by id')
    expect(rows).toEqual([
      { body: 'old body', text: 'text', n: 10 },
      { body: 'older', text: 'new text', n: 2 },
    ])
  },

  'rows that refer to what has gone are not left alone': async (createWorld) => {
    const tables = [table('tenants', { tenant: 'id' }), table('visits'), table('pages')]
    const pages = 'create table pages (id int primary key, tenant_id text)'
    await using world = await createWorld({
      plan: {
        ...plan,
        tables,
        attempts: 1,
        exclude: [{ table: 'audit_entries', leaveReferences: true }],
      },
      both: `drop table note_lines, notes; ${pages}`,
      source: `create table audit_entries (id int primary key, page_id int references pages)`,
    })
    await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Acme');
      insert into pages values (1, 'acme'), (2, 'acme'); insert into audit_entries values (1, 2)`)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', ['delete from pages where id = 2'])
    expect(await back(world, run, 'acme')).toMatch(
      /^moved FOREIGN_KEY_BROKEN: "audit_entries".*: 1 rows refer to rows of "pages" that have gone/,
    )
    await world.source.pool.query('delete from audit_entries')
    expect(await back(world, run, 'acme')).toBe('rolled_back')
  },

  'rows that the plan had left behind are not overwritten': async (createWorld) => {
    const tables = [
      table('tenants', { tenant: 'id' }),
      table<{ id: number; kept: boolean }, { id: number; kept: boolean }>('pages', {
        transform: (row) => (row.kept ? row : null),
        invert: (row) => row,
      }),
    ]
    await using world = await createWorld({
      plan: { ...plan, tables, attempts: 1 },
      both: `drop table note_lines, notes, visits;
        create table pages (id int primary key, tenant_id text, kept boolean not null)`,
    })
    await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Acme');
      insert into pages values (1, 'acme', true), (2, 'acme', false)`)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', [`insert into pages values (2, $, true)`])
    expect(await back(world, run, 'acme')).toMatch(/^moved ID_COLLISION/)
    await writeThere(world, 'acme', [`update pages set id = 3 where id = 2`])
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    const { rows } = await world.source.pool.query('select id, kept from pages order by id')
    expect(rows.map(({ id, kept }) => [id, kept])).toEqual([
      [1, true],
      [2, false],
      [3, true],
    ])
  },
}
