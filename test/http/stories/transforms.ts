// Rows change on their way over HTTP, and what cannot be changed is named.
import { expect } from 'vitest'
import { z } from 'zod'
import { table } from '../../../src/plan/plan.ts'
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { smallTables } from '../../helpers/http-end.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'
import { expectHome, flagsAt, moveOf, runAll, tryWrite } from '../../helpers/runs.ts'
import type { World } from '../../helpers/world.ts'

interface Note {
  id: bigint
  tenant_id: string
  body: string
  amount: string
  at: string
  tags: (string | null)[]
  doc: { n: number; g: number }
  raw: Buffer
  words: number
}

const tenants = table('tenants', { tenant: 'id' })
const others = [table('note_lines', { through: 'note_id' }), table('visits')]

async function rowsOf({ pool }: World['source'], query: string): Promise<unknown[]> {
  return (await pool.query(query)).rows
}

export const transformStories: Readonly<Record<string, MixedStory>> = {
  'a transform leaves rows out and changes others, and no value more': async (over) => {
    const notes = table<Note>('notes', {
      transform: ({ words: _, ...row }) =>
        row.id % 5n === 0n
          ? null
          : { ...row, body: row.body.toUpperCase(), tags: [...row.tags, 'x'] },
    })
    const exclude = [{ table: 'note_lines', leaveReferences: true }]
    const served = [tenants, table('notes'), table('visits')]
    await using world = await createHttpWorld({
      ...{ over, plan: { tables: [tenants, notes, table('visits')], exclude } },
      serve: () => ({ tables: served, exclude }),
    })
    await world.addTenant('acme', 23)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect([move.phase, move.error_message]).toEqual(['moved', null])
    const same = 'id, parent_id, amount::text, at::text, doc::text, raw'
    const wanted = `select ${same}, upper(body) as body, tags || 'x'::text as tags from notes
      where id % 5 <> 0 order by id`
    expect(await rowsOf(world.target, `select ${same}, body, tags from notes order by id`)).toEqual(
      await rowsOf(world.source, wanted),
    )
    expect(await rowsOf(world.target, 'select id from notes')).toHaveLength(19)
    await expectHome(world, 'acme', 'target')
  },

  'keys change on their way, in a table and in those that point at it': async (over) => {
    const far = 1_000_000n
    const notes = table<Note>('notes', {
      transform: ({ words: _, ...row }) => ({ ...row, id: row.id + far }),
    })
    const lines = table<{ note_id: bigint }>('note_lines', {
      through: 'note_id',
      transform: (row) => ({ ...row, note_id: row.note_id + far }),
    })
    await using world = await createHttpWorld({
      ...{ over, plan: { tables: [tenants, notes, lines, table('visits')] } },
    })
    await world.addTenant('acme', 12)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect([move.phase, move.error_message]).toEqual(['moved', null])
    const joined = (add: bigint) => `select n.id + ${add} as id, n.body, l.line, l.text
      from notes n join note_lines l on l.note_id = n.id order by n.id, l.line`
    const there = await rowsOf(world.target, joined(0n))
    expect(there).toHaveLength(24)
    expect(there).toEqual(await rowsOf(world.source, joined(far)))
  },

  'a table and its columns have other names at the target': async (over) => {
    const notes = table('notes', {
      ...{ to: 'papers', columns: { drop: ['raw'], rename: { body: 'content' } } },
    })
    const exclude = [{ table: 'note_lines', leaveReferences: true }]
    const tables = [tenants, notes, table('visits')]
    await using world = await createHttpWorld({
      ...{ over, plan: { tables, exclude } },
      target: `alter table notes drop column raw; alter table notes rename body to content;
        alter table notes rename to papers`,
      serve: (end) => ({
        tables: [tenants, table(end === 'source' ? 'notes' : 'papers'), table('visits')],
        exclude,
      }),
    })
    await world.addTenant('acme', 12)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect([move.phase, move.error_message]).toEqual(['moved', null])
    expect(await rowsOf(world.target, 'select id, content from papers order by id')).toEqual(
      await rowsOf(world.source, 'select id, body as content from notes order by id'),
    )
  },

  'a row that the zod schema refuses stops the move with table, key and reason': async (over) => {
    const row = z.looseObject({ body: z.string().max(50) })
    const notes = table('notes', { row, transform: ({ words: _, ...rest }) => rest })
    await using world = await createHttpWorld({
      ...{ over, plan: { tables: [tenants, notes, ...others] } },
      serve: () => ({ tables: smallTables }),
    })
    await world.addTenant('acme')
    await world.source.pool.query(`update notes set body = repeat('x', 99) where id = 7`)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'failed', error_code: 'TRANSFORM_FAILED', attempt: 1 })
    expect(move.error_message).toMatch(/table "notes", key \(7\): body: .*50/)
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    expect(await flagsAt(world, 'source')).toEqual([])
  },

  'a transform that is not the same twice is found out before the cutover': async (over) => {
    let times = 0
    const notes = table<Note>('notes', {
      transform: ({ words: _, ...row }) => ({ ...row, body: `${row.body} ${times++}` }),
    })
    await using world = await createHttpWorld({
      ...{ over, plan: { tables: [tenants, notes, ...others] } },
    })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'failed', error_code: 'ROWS_DIFFER' })
    expect(move.error_message).toMatch(/"notes": 10 rows expected, 10 found, 10 differ/)
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  },
}
