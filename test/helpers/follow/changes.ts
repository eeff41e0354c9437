// Kinds of changes besides those of kinds-of-changes.ts: of what only one row may have, of parents,
// and of a tenant's first and last rows. acme has the notes 1 to 10, beta 11 to 14.
import { kindsOfChanges } from '../moments/kinds-of-changes.ts'

type Kind = readonly [title: string, ...statements: string[]]

const more: readonly Kind[] = [
  [
    'values that two rows exchange',
    `update notes set slot = case id when 1 then 1002 else 1001 end where id in (1, 2)`,
    'update notes set slot = slot - 1000 where id in (1, 2)',
  ],
  [
    'a value that goes on to another row',
    'update notes set slot = null where id = 3',
    'update notes set slot = 3 where id = 9',
  ],
  [
    'a value that comes from a row that is gone',
    'delete from notes where id = 4',
    `insert into notes (id, tenant_id, slot) values (100, 'acme', 4)`,
  ],
  [
    'values that go round among three rows',
    'update notes set slot = 1000 + slot where id in (1, 2, 3)',
    'update notes set slot = 1 + (slot - 1000) % 3 where id in (1, 2, 3)',
  ],
  [
    'values of children that are exchanged between their parents',
    'update note_lines set rank = -rank where note_id in (1, 2)',
    'update note_lines set rank = 300 + rank where note_id = 1',
    'update note_lines set rank = 300 + 100 * 2 - 100 + rank + 200 where note_id = 2',
  ],
  [
    'a value that comes with a row of another tenant',
    'update notes set slot = null where id = 5',
    `update notes set tenant_id = 'acme', slot = 5 where id = 13`,
  ],
  ['the root itself', `update tenants set name = 'Another name', mood = 'calm' where id = 'acme'`],
  ['no row left of a table', `delete from visits where tenant_id = 'acme'`],
  [
    'a parent that comes with children of another',
    `insert into notes (id, tenant_id) values (100, 'acme')`,
    'update note_lines set note_id = 100, line = note_id where note_id in (1, 2) and line = 1',
  ],
  [
    'the key of a parent, and its children with it',
    'update notes set id = 500 + id where id in (6, 7)',
    `update note_lines set text = 'changed' where note_id in (506, 507)`,
  ],
  [
    'a key that is given to another row',
    'update notes set id = 100 where id = 1',
    'update notes set id = 1, slot = 77 where id = 2',
  ],
  [
    'a row that is written twice and then deleted',
    `insert into notes (id, tenant_id) values (100, 'acme')`,
    `update notes set body = 'twice' where id = 100`,
    'delete from notes where id = 100',
    `update notes set body = 'seen' where id = 1`,
  ],
  [
    'NULL and what is empty',
    `update notes set body = '', tags = '{}', doc = 'null', raw = '' where id = 1`,
    'update notes set body = null, tags = null, doc = null, raw = null where id = 2',
  ],
  [
    'a reference to a row that comes later',
    `insert into notes (id, tenant_id) values (100, 'acme')`,
    'update notes set parent_id = 100 where id in (1, 2)',
  ],
  [
    'everything at once',
    `delete from notes where tenant_id = 'acme' and id % 2 = 0`,
    `update notes set body = body || '!', slot = slot + 50 where tenant_id = 'acme'`,
    `insert into notes (id, tenant_id, body) select 200 + g, 'acme', 'new' from generate_series(1, 30) g`,
    'insert into note_lines select 200 + g, 1, g::text from generate_series(1, 30) g',
    `update visits set hits = hits + 1 where tenant_id = 'acme'`,
  ],
]

/** Names the one pair of tenants that is here. */
const named = (statement: string) =>
  statement.replace(/#(\d+)/g, '$1').replace(/:(acme|beta)\b/g, "'$1'")

const known = kindsOfChanges.map(([title, ...statements]): Kind => {
  return [title, ...statements.map(named)]
})

export const followedChanges: readonly Kind[] = [...known, ...more]
