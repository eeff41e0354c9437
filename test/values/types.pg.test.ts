// A value either arrives equal, and means the same there, or its column is refused by name before
// anything is touched.
import { expect, test } from 'vitest'
import { survey } from '../../src/checks/survey.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import type { TableOptions } from '../../src/plan/table-options.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'
import { overHttp, secret, serveEnd } from '../helpers/http-end.ts'
import { smallPlan } from '../helpers/small-plan.ts'

interface Case {
  readonly types: string
  readonly there?: string
  readonly column: string
  readonly options?: TableOptions<Record<string, unknown>, Record<string, unknown>>
  readonly message: string | null
}

const oid = 'oid may name a large object, which does not move, or a row of the catalogue'
const refused = (column: string) =>
  `drop it, or use \`columns.compute\` with sql\`r."${column}"\` if it is to arrive all the same`
const attributes = `its attributes are ("a", "b"), at the target ("b", "a"), and values follow their order`

const cases: Readonly<Record<string, Case>> = {
  'a composite type whose attributes stand in another order': {
    types: 'create type t1 as (a int, b int)',
    there: 'create type t1 as (b int, a int)',
    column: 't1',
    message: `column "v" of type t1: ${attributes}`,
  },
  'an array of a domain over such a type': {
    types: 'create type t2 as (a int, b int); create domain d2 as t2',
    there: 'create type t2 as (b int, a int); create domain d2 as t2',
    column: 'd2[]',
    message: `column "v" of type d2[]: ${attributes}`,
  },
  'a composite type with an attribute of another type': {
    types: 'create type t3 as (a numeric, b int)',
    there: 'create type t3 as (a int, b int)',
    column: 't3',
    message:
      'column "v" of type t3: attribute "a": it holds "numeric" of pg_catalog, at the target "int4" of pg_catalog',
  },
  'a composite type with one attribute more': {
    types: 'create type t4 as (a int)',
    there: 'create type t4 as (a int, b int)',
    column: 't4',
    message:
      'column "v" of type t4: its attributes are ("a"), at the target ("a", "b"), and values follow their order',
  },
  'an enum that lacks a label': {
    types: `create type t5 as enum ('low', 'mid', 'high')`,
    there: `create type t5 as enum ('low', 'high')`,
    column: 't5',
    message:
      'column "v" of type t5: the target\'s enum lacks "mid": `alter type … add value` there',
  },
  'an enum with labels in another order, in a range': {
    types: `create type t6 as enum ('low', 'high'); create type r6 as range (subtype = t6)`,
    there: `create type t6 as enum ('high', 'none', 'low'); create type r6 as range (subtype = t6)`,
    column: 'r6',
    message:
      'column "v" of type r6: the labels\' order ("low", "high") is another one at the target ("high", "low"), and labels are compared by it',
  },
  'an enum with more labels': {
    types: `create type t7 as enum ('low', 'high')`,
    there: `create type t7 as enum ('none', 'low', 'mid', 'high')`,
    column: 't7',
    message: null,
  },
  'an enum that is a composite type there': {
    types: `create type t8 as enum ('low')`,
    there: 'create type t8 as (a int)',
    column: 't8',
    message: 'column "v" of type t8: it is an enum, at the target a composite type',
  },
  'a type of its own that is called like one of PostgreSQL': {
    types: `create type public.point as (a int, b int)`,
    column: 'public.point',
    message: null,
  },
  'that type, and the one of PostgreSQL': {
    types: 'create schema if not exists other; create domain d9 as pg_catalog.point',
    there: 'create schema if not exists other; create domain d9 as public.point',
    column: 'd9',
    message:
      'column "v" is d9 and becomes d9, which may lose part of a value: convert it with `columns.compute`',
  },
  'a number of a large object': {
    types: '',
    column: 'oid',
    message: `column "v": ${oid}: ${refused('v')}`,
  },
  'large objects as the extension has them': {
    types: 'create extension lo',
    column: 'lo',
    message: `column "v": ${oid}: ${refused('v')}`,
  },
  'the same through a transform': {
    types: '',
    column: 'oid',
    options: { transform: (row) => row },
    message: `column "v": ${oid}: ${refused('v')}`,
  },
  'a number of a large object, spelled out': {
    types: '',
    column: 'oid',
    options: { columns: { compute: { v: sql`r.v` } } },
    message: null,
  },
  'a name of a relation in a composite type': {
    types: 'create type t10 as (a regclass[])',
    column: 't10',
    message: `column "v": regclass names an object of its own database: ${refused('v')}`,
  },
  'a transaction': {
    types: '',
    column: 'xid8',
    message: `column "v": xid8 counts its own server's transactions: ${refused('v')}`,
  },
  'a place in the log': {
    types: '',
    column: 'pg_lsn',
    message: `column "v": pg_lsn is a place in its own server's log: ${refused('v')}`,
  },
  'the name of a text search configuration': { types: '', column: 'regconfig', message: null },
}

/** Differences that an end does not already report by itself. */
const differing = Object.entries(cases).filter(([, { there }]) => there && !/public/.test(there))
const keyless: readonly (readonly [type: string, message: string])[] = [
  'json',
  'xml',
  'point',
  'box',
  'json[]',
].map((type) => [
  type,
  `key column "v" is of type ${type}, which has no default btree operator class, so rows cannot be distinguished by it; name other columns with \`key\``,
])

/** Findings of some cases, whose tables are `c0`, `c1` and so on, at two ends. */
async function findingsOf(
  some: readonly (readonly [string, Case])[],
  over: 'SQL' | 'HTTP',
): Promise<[string, string | null][]> {
  await using source = await createDatabase()
  await using target = await createDatabase()
  const columns = some.map(([, { column }], i) => {
    return `create table c${i} (id int primary key, tenant_id text, v ${column});`
  })
  const typesAt = (end: 'types' | 'there') =>
    some.map(([, { types, there }]) => `${(end === 'there' && there) || types};`).join('\n')
  await source.pool.query(`${typesAt('types')} ${columns.join('\n')}`)
  await target.pool.query(`${typesAt('there')} ${columns.join('\n')}`)
  const tables = some.map(([, { options = {} }], i) => table(`c${i}`, options))
  const environment = { SOURCE_URL: source.url, TARGET_URL: target.url, END_SECRET: secret }
  const served = over === 'HTTP' ? await Promise.all([source, target].map(serve)) : []
  const [here, there] = served.map((end) => overHttp({ environment }, end))
  const plan = checkPlan(
    smallPlan({
      tables,
      ...(here && there && { source: here, target: there, tenants: () => [] }),
    }),
  )
  const ends = sharedEnds(openEnds(plan, environment))
  try {
    const { findings } = await survey(plan, ends)
    // With its schema where that is not in the session's search path.
    return some.map(([name], i) => {
      const found = findings.find(({ where }) => where === `table "c${i}"`)
      return [name, found?.message.replaceAll('public.', '') ?? null]
    })
  } finally {
    await closeEnds(ends)
    for (const end of served) await end[Symbol.asyncDispose]()
  }
  function serve(database: TestDatabase) {
    return serveEnd(database, { tables: some.map((_, i) => table(`c${i}`)) })
  }
}

const expected = (some: readonly (readonly [string, Case])[]) =>
  some.map(([name, { message }]) => [name, message])

test('columns whose values would be something else at the target are refused by name', async () => {
  const all = Object.entries(cases)
  expect(await findingsOf(all, 'SQL')).toEqual(expected(all))
})

test('they are refused by name, too, where both ends are asked over HTTP', async () => {
  expect(await findingsOf(differing, 'HTTP')).toEqual(expected(differing))
})

test('a key of a type without an order is refused by name', async () => {
  const some = keyless.map(([column, message]) => {
    return [column, { types: '', column, options: { key: ['v'] }, message }] as const
  })
  expect(await findingsOf(some, 'SQL')).toEqual(expected(some))
})
