// Where each tenant has a database of its own, its id is a part of a URL. Whatever the id is, the
// database of that tenant is opened, or none.
import pg from 'pg'
import { expect, test } from 'vitest'
import { endOf } from '../../../src/ends/end.ts'
import { openTenantDatabases } from '../../../src/ends/open/tenant-databases.ts'
import { besideOf, tenantUrl } from '../../../src/ends/open/tenant-url.ts'
import { postgres, type UrlOf } from '../../../src/plan/endpoint.ts'

const base = 'postgres://mover:secret@db.internal:6432'
const raw = (tenant: string) => `${base}/app_${tenant}`
const encoded = (tenant: string) => `${base}/app_${encodeURIComponent(tenant)}`
const withSettings = (tenant: string) => `${encoded(tenant)}?sslmode=disable`

/** Database that the client opens for the tenant. null: none, as the plan is refused. */
function databaseOf(urlOf: UrlOf, tenant: string): string | null {
  try {
    const { text, place } = tenantUrl(urlOf(tenant, {}), { name: 'source', tenant })
    const { database, host, port } = new pg.Client(text)
    expect(place).toBe(`${host}:${port}${new URL(text).pathname}`)
    return database ?? ''
  } catch (error) {
    expect(error).toMatchObject({ code: 'PLAN_INVALID' })
    return null
  }
}

const plain = ['acme', 'Acme', 'a b', 'größe', 'bob@example.org', 'team:1', "o'neil", 'a+b=c&d;e$f']

test.each(plain)('tenant %j has its database, encoded or not', (tenant) => {
  for (const urlOf of [raw, encoded, withSettings]) {
    expect(databaseOf(urlOf, tenant)).toBe(`app_${tenant}`)
  }
})

const other = ['1#2', '1#', '1?', '1?sslmode=disable', '../app_1', '/../app_1', 'x/../app_1']
const stripped = ['1 ', '1\t', '1\n', '\t1', '1%20', '%31', '1%', '%2e%2e', '1/']

test.each([...other, ...stripped])('tenant %j opens no database of another', (tenant) => {
  for (const urlOf of [raw, encoded, withSettings]) {
    expect([`app_${tenant}`, null]).toContain(databaseOf(urlOf, tenant))
  }
})

test('a name that PostgreSQL would cut opens no database, as it would be that of another', () => {
  const rest = '_'.repeat(52)
  for (const urlOf of [raw, encoded, withSettings]) {
    expect(databaseOf(urlOf, `${rest}acme_ab`)).toBe(`app_${rest}acme_ab`)
    for (const tenant of [`${rest}acme_abc`, `${rest}acme_aö`]) {
      expect(databaseOf(urlOf, tenant)).toBeNull()
    }
  }
  const read = () => tenantUrl(raw('x'.repeat(60)), { name: 'target', tenant: 'x'.repeat(60) })
  expect(read).toThrow(/`target.url` names a database by 64 bytes, .* cuts names at 63, for/)
})

test.each([...plain, 'b%41', 'x[1]', 'a"b'])('a database %j is found beside another', (name) => {
  for (const url of [raw('x'), withSettings('x')]) {
    const { database, host, port } = new pg.Client(besideOf(url, name))
    expect({ database, host, port }).toEqual({ database: name, host: 'db.internal', port: 6432 })
  }
})

test('an id as a whole path opens a database of its name, or none', () => {
  const alone = (tenant: string) => `${base}/${tenant}`
  for (const tenant of ['..', '.', '%2e', './acme', 'x/..']) {
    expect([tenant, null]).toContain(databaseOf(alone, tenant))
  }
})

test('an id in the name of the host is no part of another host, user or path', () => {
  const hosted = (tenant: string) => `postgres://mover:secret@${tenant}.internal/app`
  for (const tenant of ['evil.org/app?', 'evil.org/x', 'a#b', 'u@evil', 'evil:5432', 'a%2e']) {
    expect(databaseOf(hosted, tenant)).toBeNull()
  }
  expect(databaseOf(hosted, 'acme')).toBe('app')
})

test('ids that differ never share a database', () => {
  const ids = [...plain, ...other, ...stripped, 'gr%C3%B6%C3%9Fe', 'bob%40example.org', 'a%20b']
  for (const urlOf of [raw, encoded, withSettings]) {
    const databases = ids.map((tenant) => databaseOf(urlOf, tenant)).filter((name) => name !== null)
    expect(new Set(databases).size).toBe(databases.length)
  }
})

test('an end with a database for each tenant refuses such an id, and tells what to use', () => {
  const endpoint = { ...postgres({ url: raw }), url: raw }
  const end = openTenantDatabases('source', endpoint, { environment: {} })
  const refusal = /`source.url` returns a URL that has a "#": use `encodeURIComponent\(tenant\)`/
  expect(() => end.places?.placeOf('1#2')).toThrow(refusal)
  expect(() => endOf(end, '1#2')).toThrow(refusal)
  expect(() => [...(end.places?.among(['1#2']) ?? [])]).toThrow(refusal)
})
