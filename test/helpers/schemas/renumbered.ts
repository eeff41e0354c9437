// Plans of the small world whose rows have other keys at the target.
import { expect } from 'vitest'
import { table } from '../../../src/plan/plan.ts'
import { sql } from '../../../src/plan/sql-text.ts'
import type { World } from '../world.ts'

const far = 10n ** 12n

interface Note {
  id: bigint
  parent_id: bigint | null
  body: string | null
}

/** Rows get other keys by JavaScript, and some stay behind. */
export const renumbered = [
  table('tenants', { tenant: 'id' }),
  table<Note, Note>('notes', {
    columns: { drop: ['words'] },
    transform: (row) => ({
      ...row,
      id: row.id + far,
      parent_id: row.parent_id === null ? null : row.parent_id + far,
      body: row.body && `${row.body} (moved)`,
    }),
  }),
  table<{ note_id: bigint }, { note_id: bigint }>('note_lines', {
    through: 'note_id',
    transform: (row) => ({ ...row, note_id: row.note_id + far }),
  }),
  table<{ hits: number }, { hits: number }>('visits', {
    transform: (row) => (row.hits % 2 === 0 ? row : null),
  }),
]

/** The keys by SQL. */
export const computed = [
  table('tenants', { tenant: 'id' }),
  table('notes', {
    columns: {
      compute: {
        id: sql`r.id + 1000000000000`,
        parent_id: sql`r.parent_id + 1000000000000`,
        body: sql`r.body || ' (moved)'`,
      },
    },
  }),
  table('note_lines', {
    through: 'note_id',
    columns: { compute: { note_id: sql`r.note_id + 1000000000000` } },
  }),
  table('visits'),
]

export async function expectRenumbered(world: World): Promise<void> {
  const notes = (end: 'source' | 'target', shift: bigint, moved: string) =>
    world[
      end
    ].pool.query(`select (id + ${shift})::text as id, (parent_id + ${shift})::text as parent,
      body || '${moved}' as body, amount, at, tags, doc, raw from notes
      where tenant_id = 'acme' order by id`)
  const lines = (end: 'source' | 'target', shift: bigint) =>
    world[end].pool.query(`select (note_id + ${shift})::text as note, line, text from note_lines l
      where note_id in (select id from notes where tenant_id = 'acme') order by note_id, line`)
  expect((await notes('target', 0n, '')).rows).toEqual(
    (await notes('source', far, ' (moved)')).rows,
  )
  expect((await lines('target', 0n)).rows).toEqual((await lines('source', far)).rows)
}
