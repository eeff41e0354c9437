// The conformance suite passes our own server half, and finds what is wrong with broken ones at the
// point that is about it.
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { hashOf, probe, rowText } from '../../conformance/md5.ts'
import { baseUrlOf, readOptions } from '../../conformance/options.ts'
import { points } from '../../conformance/points.ts'
import { examine, type Finding } from '../../conformance/run.ts'
import { createHttpEnd, nodeHandler } from '../../src/http-end/index.ts'
import { type Breach, breaches } from '../helpers/broken-ends.ts'
import { secret, serve, smallTables } from '../helpers/http-end.ts'
import { createWorld, type World } from '../helpers/world.ts'

interface Looking {
  readonly hmac?: boolean
  readonly breach?: Breach
  readonly scratch?: string
  readonly only?: readonly string[]
}

async function look(world: World, { hmac, breach, scratch = 'nobody', only = [] }: Looking = {}) {
  const { pool } = world.source
  const auth = hmac ? { hmac: secret } : { bearer: secret }
  const end = createHttpEnd({ pool, tables: smallTables, auth })
  await end.install()
  const broken = breach ? { handle: breach({ handle: end.handle, pool }) } : end
  await using served = await serve(nodeHandler(broken))
  const baseUrl = baseUrlOf(served.url)
  const known = hmac
    ? ({ kind: 'hmac', key: secret } as const)
    : ({ kind: 'bearer', token: secret } as const)
  const chosen = { baseUrl, secret: known, scope: 'default', tenant: 'acme', scratch }
  return await examine({ ...chosen, only })
}

async function inhabited(): Promise<World> {
  const world = await createWorld()
  await world.addTenant('acme', 12)
  await world.addTenant("o'neil; --", 3)
  return world
}

function failed(findings: readonly Finding[]): string[] {
  return findings.filter(({ outcome }) => outcome === 'FAILED').map(({ point }) => point)
}

const everything = `select
  (select json_agg(t order by t.id) from tenants t) as tenants,
  (select json_agg(n order by n.id) from notes n) as notes,
  (select json_agg(l order by l.note_id, l.line) from note_lines l) as lines,
  (select json_agg(v order by v.tenant_id, v.day) from visits v) as visits,
  (select json_agg(f) from rehome.tenant_flags f) as flags,
  (select json_agg(p) from rehome.copy_progress p) as progress,
  (select last_value from notes_id_seq) as sequence`

describe('our own server half', () => {
  test('keeps every point, and is afterwards as it was', async () => {
    await using world = await inhabited()
    const before = (await world.source.pool.query(everything)).rows
    const findings = await look(world)
    const others = findings.filter(({ outcome }) => outcome !== 'ok')
    expect(others.map(({ point, outcome }) => [point, outcome])).toEqual([
      ['auth.stale', 'skipped'],
      ['auth.bound', 'skipped'],
    ])
    expect((await world.source.pool.query(everything)).rows).toEqual(before)
    const turns = 'select distinct tenant_id from rehome.turns'
    expect((await world.source.pool.query(turns)).rows).toEqual([{ tenant_id: 'nobody' }])
  })

  test('keeps every point of signed requests, too', async () => {
    await using world = await inhabited()
    const findings = await look(world, { hmac: true })
    expect(findings.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
  })

  test('is not touched where the scratch tenant is somebody', async () => {
    await using world = await inhabited()
    await expect(look(world, { scratch: "o'neil; --" })).rejects.toThrow(/has rows in/)
    await expect(look(world, { scratch: 'acme' })).rejects.toThrow(/another tenant/)
    expect((await world.source.pool.query('select from rehome.turns')).rowCount).toBe(0)
  })
})

test('points have names of their own, and need such as come before', () => {
  const names = points.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const [i, { name, needs = [] }] of points.entries()) {
    for (const need of needs) expect(names.slice(0, i), `${name} needs it`).toContain(need)
  }
})

test('a secret that is refused is told once', async () => {
  await using served = await serve((_, response) => response.writeHead(401).end())
  const known = { kind: 'bearer', token: secret } as const
  const chosen = { baseUrl: baseUrlOf(served.url), secret: known, scope: 'default' }
  const findings = await examine({ ...chosen, tenant: 'acme', scratch: null })
  expect(failed(findings)).toEqual(['auth.right'])
  expect(findings.filter(({ outcome }) => outcome === 'ok').map(({ point }) => point)).toEqual([
    'auth.none',
    'auth.wrong',
  ])
})

test('nothing at the URL is told at once', async () => {
  const known = { kind: 'bearer', token: secret } as const
  const chosen = { baseUrl: baseUrlOf('http://127.0.0.1:9'), secret: known, scope: 'default' }
  await expect(examine({ ...chosen, tenant: null, scratch: null })).rejects.toThrow(/no answer/)
})

test.each([
  [[], /one URL/],
  [['http://a', 'http://b'], /one URL/],
  [['ftp://a', '--bearer-from', 'SECRET'], /begins with ftp:/],
  [['http://a'], /either --bearer-from or --hmac-from/],
  [['http://a', '--bearer-from', 'SECRET', '--hmac-from', 'SECRET'], /either/],
  [['http://a', '--bearer-from', 'NOT_SET'], /NOT_SET is not set/],
  [['http://a', '--what'], /--what/],
  [['http://a', '--bearer-from', 'SECRET', '--only', 'fence'], /no point "fence"/],
])('arguments %j are refused', (args, message) => {
  expect(() => readOptions(args, { SECRET: secret })).toThrow(message)
})

test('a secret never stands among the arguments', () => {
  const args = ['http://a/b/', '--hmac-from', 'SECRET', '--tenant', 'acme']
  expect(readOptions(args, { SECRET: secret })).toEqual({
    baseUrl: new URL('http://a/b/'),
    secret: { kind: 'hmac', key: secret },
    tenant: 'acme',
    scratch: null,
    scope: 'default',
    only: [],
    json: false,
  })
})

// What a breach is not about takes long.
const aboutFlags = [
  'turns',
  'fences',
  'leases',
  'cutovers',
  'claims',
  'batches',
  'removals',
  'captures',
  'steps',
]
const aboutRows = [
  'auth',
  'description',
  'requests',
  'gzip',
  'rows',
  'pages',
  'digests',
  'sequences',
]

test('the example in docs/http.md is right', async () => {
  const text = rowText(['acme', '2026-01-02', 'a "b" c', null, ''])
  const page = await readFile(new URL('../../docs/http.md', import.meta.url), 'utf8')
  expect(page).toContain(`\`${text}\``)
  expect(page).toContain(`\`${hashOf(text)}\``)
  expect(page).toContain(`\`"${probe}"\``)
})

test('points are about flags or rows', () => {
  const both = [...aboutFlags, ...aboutRows]
  const others = points.filter(({ name }) => !both.some((one) => name.startsWith(`${one}.`)))
  expect(others).toEqual([])
})

describe('an end that', () => {
  test.each(Object.entries(breaches))('%s is found out', async (_, { breach, points }) => {
    await using world = await inhabited()
    const before = (await world.source.pool.query(everything)).rows
    const isAboutFlags = aboutFlags.some((one) => points[0]?.startsWith(`${one}.`))
    const only = isAboutFlags ? aboutFlags : aboutRows
    expect(failed(await look(world, { breach, only }))).toEqual(points)
    expect((await world.source.pool.query(everything)).rows).toEqual(before)
  })
})
