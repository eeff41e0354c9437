// The conformance suite passes our own server half, and finds in broken ends the points that they
// break: in a third of them in each run. All of them, and that each breaks no other point, are in
// conformance.all.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { baseUrlOf } from '../../../conformance/options.ts'
import { points } from '../../../conformance/points.ts'
import { examine } from '../../../conformance/run.ts'
import { breaches } from '../../helpers/http/broken-ends.ts'
import { everythingAt, failed, inhabited, look } from '../../helpers/http/conformance.ts'
import { secret, serve } from '../../helpers/http-end.ts'
import { isInPart } from '../../helpers/rotation.ts'
import type { World } from '../../helpers/world.ts'

const timeout = 120_000

let world: World
beforeAll(async () => {
  world = await inhabited()
})
afterAll(() => world[Symbol.asyncDispose]())

describe('our own server half', () => {
  test('is not touched where the scratch tenant has rows', async () => {
    await expect(look(world, { scratch: "o'neil; --" })).rejects.toThrow(/has rows in/)
    await expect(look(world, { scratch: 'acme' })).rejects.toThrow(/another tenant/)
    expect((await world.source.pool.query('select from rehome.turns')).rowCount).toBe(0)
  })

  test('keeps every point, and is left as it was', { timeout }, async () => {
    const before = await everythingAt(world)
    const findings = await look(world)
    const others = findings.filter(({ outcome }) => outcome !== 'ok')
    expect(others.map(({ point, outcome }) => [point, outcome])).toEqual([
      ['auth.stale', 'skipped'],
      ['auth.bound', 'skipped'],
    ])
    expect(await everythingAt(world)).toEqual(before)
    const turns = 'select distinct tenant_id from rehome.turns'
    expect((await world.source.pool.query(turns)).rows).toEqual([{ tenant_id: 'nobody' }])
  })

  // All of the points are in conformance.all.test.ts.
  test('keeps the points about secrets where requests are signed', { timeout }, async () => {
    const only = points.map(({ name }) => name).filter((name) => name.startsWith('auth.'))
    const findings = await look(world, { hmac: true, scratch: 'nobody else', only })
    const looked = findings.filter(({ outcome }) => outcome === 'ok').map(({ point }) => point)
    expect(looked).toEqual(expect.arrayContaining(only))
  })
})

test('reports a rejected secret once and skips the rest', async () => {
  await using served = await serve((_, response) => response.writeHead(401).end())
  const bearer = { kind: 'bearer', token: secret } as const
  const chosen = { baseUrl: baseUrlOf(served.url), secret: bearer, scope: 'default' }
  const findings = await examine({ ...chosen, tenant: 'acme', scratch: null })
  expect(failed(findings)).toEqual(['auth.right'])
  expect(findings.filter(({ outcome }) => outcome === 'ok').map(({ point }) => point)).toEqual([
    'auth.none',
    'auth.wrong',
  ])
})

/** Points that are looked at in every broken end; they need some others. */
const always = ['auth.right', 'rows.known', 'turns.take', 'fences.raise', 'batches.write']

describe('an end that', () => {
  const some = Object.entries(breaches).filter((_, i) => isInPart(i, 3))
  test.each(some)('%s fails the points that say so', async (what, broken) => {
    const before = await everythingAt(world)
    const { breach, points } = broken
    const only = [...always, ...points]
    expect(failed(await look(world, { breach, only, scratch: what }))).toEqual(points)
    expect(await everythingAt(world)).toEqual(before)
  })
})
