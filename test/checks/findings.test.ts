// What is said of a plan and its two ends before anything is touched: each rule by itself, without
// a server. What a real server says of itself is looked at in test/preflight.pg.test.ts.
import { describe, expect, test } from 'vitest'
import { api, http } from '../../src/plan/endpoint.ts'
import { sourceTable, table, targetTable } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { stream } from '../../src/plan/stream.ts'
import { type Ends, findingsAt, noteTables } from '../helpers/plans/checks.ts'

type Case = readonly [rule: string, ends: Ends, ...findings: string[]]

const lines = table('lines', { through: 'note_id' })
const noWindow = { rollback: { windowMs: 0 } }
const windowed = { rollback: { windowMs: 60_000 } }
const online = { strategy: 'online' } as const
const over = http({ baseUrl: 'http://127.0.0.1:1/rehome', auth: { bearerFrom: 'SECRET' } })
const read = () => ({ path: 'notes' })
const rows = () => ({ rows: [] })
const fence = { close: read, open: read }
const apiTables = {
  notes: { columns: { id: 'int8' }, key: 'id', read, rows },
  lines: { columns: { note_id: 'int8' }, key: 'note_id', read, rows, write: read, remove: read },
}
const existing = api({ baseUrl: 'http://127.0.0.1:1', tables: apiTables, fence })
const asked = { enforcement: 'database', feed: true } as const
const instead = 'or set `rollback: { windowMs: 0 }`'

const servers: readonly Case[] = [
  ['a plan that fits', {}],
  [
    'an old server',
    { source: { serverVersion: 120_000 } },
    'source: PostgreSQL 120000 is older than 13',
  ],
  ['the oldest server', { source: { serverVersion: 130_000 }, target: { serverVersion: 130_000 } }],
  [
    'an end that is no PostgreSQL',
    {
      plan: { source: over, ...noWindow },
      source: { serverVersion: 0, enforcement: 'application' },
    },
  ],
  [
    'another encoding',
    { target: { encoding: 'LATIN1' } },
    'target: its encoding is LATIN1; only UTF8 is compared exactly',
  ],
  [
    'settings that a pooler swallows',
    { source: { foreignSettings: ['DateStyle', 'TimeZone'] } },
    'source: our session settings do not arrive (DateStyle, TimeZone): connect to PostgreSQL itself, not to a pooler in transaction mode',
  ],
  ['a source that may only be read', { sourceNotes: { privileges: ['SELECT'] } }],
  [
    'a source that may not be read',
    { sourceNotes: { privileges: [] } },
    'source table "notes": our role has no SELECT privilege',
  ],
  [
    'a target that may only be read',
    { targetNotes: { privileges: ['SELECT'] } },
    'target table "notes": our role has no INSERT privilege',
    'target table "notes": our role has no DELETE privilege',
  ],
  [
    'row security',
    { targetNotes: { rowSecurity: true } },
    'target table "notes": row security would hide rows from our role or the guards\' owner: BYPASSRLS them',
  ],
  [
    'rows that others hold',
    { sourceNotes: { unguardable: ['public.heirs'] } },
    'source table "notes": shares rows with public.heirs, which no guard covers: only partitions in its schema are',
  ],
  [
    'a subscription',
    { targetNotes: { subscribed: true } },
    'target table "notes": a subscription writes here, past every statement trigger',
  ],
]

const places: readonly Case[] = [
  [
    'one database for both',
    { target: { database: 'one' }, plan: noWindow },
    "target: is the source's database: name the target's model with a `targetScope` of its own",
    'table "notes": is the same table at both ends',
    'table "lines": is the same table at both ends',
  ],
  [
    'two schemas of one database',
    { target: { database: 'one', schema: 'new' }, plan: { targetScope: 'new', ...noWindow } },
  ],
  [
    'a scope of the target in a database of its own',
    { plan: { targetScope: 'new' } },
    '`targetScope`: needs both models in one database, but source and target are different databases',
  ],
  [
    'an online move within one database',
    {
      target: { database: 'one', schema: 'new' },
      plan: { targetScope: 'new', ...noWindow, ...online },
    },
    'target: changes are not followed within one database: move offline, without a window',
  ],
  [
    'a window within one database',
    {
      target: { database: 'one', schema: 'new' },
      plan: { targetScope: 'new', ...windowed },
    },
    'target: changes are not followed within one database: move offline, without a window',
  ],
]

const unkeyed = {
  ...noteTables,
  notes: { id: 'int8 not-null', tenant_id: 'text not-null', body: 'text' },
}
const jsonNotes = {
  ...noteTables,
  notes: { id: 'int8 key', tenant_id: 'text not-null', body: 'json' },
}
const keyed = (options: object = {}) => ({
  tables: [table('notes', { key: ['id'], ...options }), lines],
})
const transform = (row: object) => row
const compute = (text: string) => ({ columns: { compute: { body: sql([text] as never) } } })

const following: readonly Case[] = [
  ['an online move that fits', { plan: { ...online, ...noWindow } }],
  [
    'an online move of a role that may neither switch foreign keys off nor update',
    { plan: { ...online, ...noWindow }, target: { mayReplicate: false } },
    'target table "notes": our role has no UPDATE privilege',
    'target table "lines": our role has no UPDATE privilege',
  ],
  ['an offline move of that role', { plan: noWindow, target: { mayReplicate: false } }],
  [
    'a window for that role at the source',
    { plan: windowed, source: { mayReplicate: false } },
    `source table "notes": our role has no UPDATE privilege; ${instead}`,
    `source table "lines": our role has no UPDATE privilege; ${instead}`,
  ],
  [
    'a window without the privileges to bring rows back',
    { plan: windowed, sourceNotes: { privileges: ['SELECT'] } },
    `source table "notes": our role has no INSERT privilege; ${instead}`,
    `source table "notes": our role has no DELETE privilege; ${instead}`,
  ],
  [
    'a key without a unique index, online',
    {
      plan: { ...online, ...noWindow, ...keyed() },
      sourceTables: unkeyed,
      targetTables: noteTables,
    },
    'source table "notes": an online move finds rows by (id), which no unique index has',
  ],
  [
    'a key without a unique index, offline',
    { plan: { ...noWindow, ...keyed() }, sourceTables: unkeyed, targetTables: noteTables },
  ],
  [
    'old rows of type json, where they are logged whole',
    {
      plan: { ...online, ...noWindow, ...keyed({ transform }) },
      sourceTables: jsonNotes,
    },
    'source table "notes": old rows are logged as jsonb, which cannot hold all that column "body" of type json can',
  ],
  [
    'rows of type json whose keys alone are logged',
    { plan: { ...online, ...noWindow }, sourceTables: jsonNotes },
  ],
  [
    'an expression that reads other rows, online',
    {
      plan: { ...online, ...noWindow, ...keyed(compute('(select max(body) from notes)')) },
      source: { computed: new Map([['notes\u0000body', 'text']]) },
    },
    'table "notes": online, `columns.compute` of "body" may read nothing but its row',
  ],
  [
    'a stream, online',
    {
      plan: {
        ...online,
        ...noWindow,
        exclude: ['lines'],
        tables: [
          sourceTable('notes'),
          targetTable('notes'),
          stream('bodies', {
            from: 'notes',
            to: ['notes'],
            transform: (row) => ({ notes: row }) as never,
          }),
        ],
      },
    },
    'stream "bodies": has no log of changes: online moves support tables only, offline moves also streams',
  ],
  [
    'rows that stay behind, online',
    { plan: { ...online, ...noWindow, ...keyed({ transform, quarantine: 5 }) } },
    'table "notes": `quarantine` is for offline moves',
  ],
]

const asking: readonly Case[] = [
  [
    'ends that offer their feeds',
    { plan: { source: over, target: over, ...online, ...windowed }, source: asked, target: asked },
  ],
  [
    'an end without a feed, online',
    { plan: { source: over, ...online, ...noWindow } },
    'source: is reached over HTTP and offers no feed of changes: move offline',
  ],
  [
    'an end without a feed, with a window',
    { plan: { target: over, ...windowed } },
    'target: is reached over HTTP and offers no feed of changes: set `rollback: { windowMs: 0 }`',
  ],
  [
    'SQL that the source does not run',
    {
      plan: { source: over, ...noWindow, ...keyed(compute('upper(body)')) },
      source: { computed: new Map([['notes\u0000body', 'text']]) },
    },
    'table "notes": `columns.compute` of "body" is SQL, which a source over HTTP does not run: use a transform',
  ],
  [
    'SQL of the plan that no such end runs',
    {
      plan: {
        target: over,
        ...noWindow,
        invariants: [{ name: 'sum', at: 'target', noRows: () => sql`select 1` }],
      },
    },
    'target: invariant "sum" is SQL, which an end over HTTP does not run',
  ],
  [
    'ends that hash in no common way',
    { plan: { source: over, ...noWindow }, source: { digestProbes: { md5: 'a' } } },
    'source: has no hash function in common with the other end: rows could not be compared',
  ],
  [
    'ends that hash alike in another way',
    {
      plan: { source: over, ...noWindow },
      source: { digestProbes: { record: 'a', md5: 'same' } },
      target: { digestProbes: { record: 'b', md5: 'same' } },
    },
  ],
  [
    'two APIs that were there before',
    { plan: { source: existing, target: existing, ...noWindow } },
    'target: is an API, as the source is: no end could compare their rows',
    'target table "notes": has no `write`',
    'target table "notes": has no `remove`',
  ],
  [
    'two models over HTTP in one database',
    {
      plan: { source: over, targetScope: 'new', ...noWindow },
      target: { database: 'one', schema: 'new' },
    },
    '`targetScope`: needs one database that rehome connects to directly, but an end is reached over HTTP',
  ],
]

describe.each([
  ['of servers', servers],
  ['of places', places],
  ['of following', following],
  ['of asking', asking],
] as const)('rules %s', (_, cases) => {
  test.each(cases.map(([rule, ends, ...findings]) => ({ rule, ends, findings })))(
    '$rule: what is said of it',
    ({ ends, findings }) => {
      expect(findingsAt(ends)).toEqual(findings)
    },
  )
})
