// Changes of everybody's rows that an end over HTTP allows, and those that a plan would make there.
import { expect, test } from 'vitest'
import { http } from '../../src/plan/endpoint.ts'
import { table } from '../../src/plan/plan.ts'
import { shared } from '../../src/plan/shared-table.ts'
import { findingsAt } from '../helpers/plans/checks.ts'

const inserts = { missing: 'insert', differing: 'refuse' } as const
const updates = { missing: 'refuse', differing: 'update' } as const
const refuses = { missing: 'refuse', differing: 'refuse' } as const
const all = { missing: 'insert', differing: 'update' } as const

const refused = ([option]: TemplateStringsArray) =>
  expect.stringMatching(`^shared table "notes": has \`${option}\`, which the target does not allow`)

test.each([
  ['what the end does', all, all, []],
  ['less', inserts, all, []],
  ['nothing', refuses, refuses, []],
  ['keeping', { missing: 'refuse', differing: 'keep' } as const, refuses, []],
  ['inserts', inserts, updates, [refused`missing: 'insert'`]],
  ['updates', updates, inserts, [refused`differing: 'update'`]],
  ['both', all, refuses, [refused`missing: 'insert'`, refused`differing: 'update'`]],
])('a plan with %s', (_, options, allowed, found) => {
  const lines = { tenant_id: 'text not-null', note_id: 'int8 -> notes.id', line: 'int4 key' }
  const findings = findingsAt({
    plan: {
      target: http({ baseUrl: 'http://127.0.0.1:1/rehome', auth: { bearerFrom: 'SECRET' } }),
      ...{ strategy: 'offline', rollback: { windowMs: 0 } },
      tables: [
        table('lines'),
        shared('notes', {
          referencedBy: 'lines.note_id',
          ...options,
        }),
      ],
    },
    sourceTables: { notes: { id: 'int8 key', body: 'text' }, lines },
    target: { enforcement: 'database' },
    targetNotes: { shared: allowed, privileges: ['SELECT', 'INSERT', 'UPDATE'] },
  })
  expect(findings).toEqual(found)
})
