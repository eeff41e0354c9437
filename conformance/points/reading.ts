/** A tenant's rows, page by page. */

import { pathOf } from '../../src/ends/http/protocol/operations.ts'
import type { Texts } from '../../src/ends/tenant-rows.ts'
import { expectSame, expectThat, type Point } from '../point.ts'
import { expectRefused, type Subject } from '../subject.ts'
import { keyOf, namesOf, pagesOf, rowsOf, type Table, tablesWithRows, valuesOf } from '../tables.ts'

const manyRows = 100_000

export const readingPoints: readonly Point[] = [
  {
    name: 'rows.known',
    says: 'knownTenants tells ids as the column writes them, and who has rows',
    needs: ['description.valid'],
    async check(end) {
      const [known] = await end.ask('knownTenants', { tenants: [end.tenant] })
      expectSame(known?.tenant, end.tenant, 'the id (name it to --tenant as the column writes it)')
      expectSame(known?.hasRows, true, 'hasRows')
    },
  },
  {
    name: 'pages.last-line',
    says: 'a page is NDJSON, and ends in {"next": …}, so that an incomplete one is recognized',
    needs: ['description.valid'],
    check: onEachTable(async (end, table) => {
      const columns = namesOf(table).map((column) => ({ column, cast: null }))
      const { scope, tenant } = end
      const asked = { scope, tenant, table: table.name, columns, cursor: null, limit: 3 }
      const { headers, text } = await end.post('read', asked)
      expectSame(String(headers['content-type']).split(';')[0], 'application/x-ndjson', 'type')
      expectThat(text.endsWith('\n'), () => 'the last line does not end in a line feed')
      const last = text.trimEnd().split('\n').at(-1) ?? ''
      expectThat(/^\{.*"next"/.test(last), () => `"${table.name}": the last line is ${last}`)
    }),
  },
  {
    name: 'pages.once',
    says: 'every row comes, and comes once, whatever the limit is',
    needs: ['pages.last-line'],
    check: onEachTable(async (end, table) => {
      const { tenant } = end
      const counted = await end.ask('count', { scope: end.scope, tenant, table: table.name })
      const large = await rowsOf(end, { tenant, table, limit: manyRows })
      const small = await rowsOf(end, { tenant, table, limit: smallLimit(counted) })
      expectSame(large.length, counted, `"${table.name}": rows that were read`)
      expectSame(small.length, counted, `"${table.name}": rows of small pages`)
      const keys = new Set(large.map((row) => keyText(table, row)))
      expectSame(keys.size, counted, `"${table.name}": different keys among them`)
      for (const row of small) {
        expectThat(keys.has(keyText(table, row)), () => `"${table.name}": ${keyText(table, row)}`)
      }
    }),
  },
  {
    name: 'pages.limit',
    says: 'no page has more rows than were asked for',
    needs: ['pages.last-line'],
    check: onEachTable(async (end, table) => {
      const { tenant } = end
      for (const limit of [1, 2]) {
        let pages = 0
        for await (const { rows } of pagesOf(end, { tenant, table, limit })) {
          expectThat(rows.length <= limit, () => `"${table.name}": ${rows.length} of ${limit}`)
          if (++pages === 5) break
        }
      }
    }),
  },
  {
    name: 'pages.order',
    says: 'rows come in the same order each time, whatever the limit is',
    needs: ['pages.once'],
    check: onEachTable(async (end, table) => {
      const { tenant } = end
      const large = await rowsOf(end, { tenant, table, limit: manyRows })
      const small = await rowsOf(end, { tenant, table, limit: smallLimit(large.length) })
      expectSame(
        small.map((row) => keyText(table, row)),
        large.map((row) => keyText(table, row)),
        `"${table.name}": keys`,
      )
    }),
  },
  {
    name: 'pages.cursor',
    says: 'a cursor leads on again and again, with other columns, too, and a made-up one is refused',
    needs: ['pages.order'],
    check: onEachTable(cursors),
  },
  {
    name: 'pages.tenant',
    says: 'a tenant without rows has none',
    needs: ['pages.last-line'],
    async check(end) {
      const { scratch: tenant, scope } = end
      for (const table of (await end.describe()).tables) {
        expectSame(await rowsOf(end, { tenant, table, limit: 10 }), [], `"${table.name}": rows`)
        const counted = await end.ask('count', { scope, tenant, table: table.name })
        expectSame(counted, 0, `"${table.name}": count`)
      }
    },
  },
  {
    name: 'rows.keys',
    says: 'existingKeys finds the keys of rows, as row texts; no key is repeated; no table is empty',
    needs: ['pages.once'],
    check: onEachTable(async (end, table) => {
      const { tenant, scope } = end
      const key = [...keyOf(table)]
      const rows = await rowsOf(end, { tenant, table, limit: manyRows })
      const keys = rows.slice(0, 10).map((row) => valuesOf(table, row, key))
      const found = await end.ask('existingKeys', { table: table.name, key, keys })
      expectSame(found.length, keys.length, `"${table.name}": keys that exist`)
      const repeated = await end.ask('repeatedKeys', { scope, tenant, table: table.name, key })
      expectSame(repeated, [], `"${table.name}": repeated keys`)
      expectSame(await end.ask('isEmpty', { table: table.name }), false, `"${table.name}": isEmpty`)
    }),
  },
  {
    name: 'rows.references',
    says: 'brokenReferences answers for every table',
    needs: ['description.valid'],
    check: onEachTable(async (end, table) => {
      const { tenant, scope } = end
      await end.ask('brokenReferences', { scope, tenant, table: table.name })
    }),
  },
]

async function cursors(end: Subject, table: Table): Promise<void> {
  const { tenant, scope } = end
  const all = await rowsOf(end, { tenant, table, limit: manyRows })
  const limit = smallLimit(all.length)
  const asked = { scope, tenant, table: table.name, limit }
  const columns = namesOf(table).map((column) => ({ column, cast: null }))
  const first = await end.read({ ...asked, columns, cursor: null })
  const cursor = first.next
  if (cursor === null) return
  const rest = all.slice(first.rows.length)
  for (const some of [columns, columns.slice(0, 1), columns.toReversed()]) {
    const page = await end.read({ ...asked, columns: some, cursor })
    const wanted = rest.slice(0, page.rows.length)
    const names = some.map(({ column }) => column)
    const values = wanted.map((row) => valuesOf(table, row, names))
    expectSame(page.rows, values, `"${table.name}": rows after the cursor`)
  }
  const made = { ...asked, columns, cursor: 'made-up' }
  expectRefused(await end.post('read', made), `${pathOf('read')} after a made-up cursor`)
}

function onEachTable(
  look: (end: Subject, table: Table) => Promise<void>,
): (end: Subject) => Promise<void> {
  return async (end) => {
    const tables = await tablesWithRows(end)
    for (const table of tables) await look(end, table)
  }
}

/** Some pages, and not too many of them. */
function smallLimit(rows: number): number {
  return Math.max(1, Math.ceil(rows / 7))
}

function keyText(table: Table, row: Texts): string {
  return JSON.stringify(valuesOf(table, row, keyOf(table)))
}
