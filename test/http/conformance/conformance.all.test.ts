// Each broken end fails the points that say so, and no other point that is about the same half of
// the protocol.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { points } from '../../../conformance/points.ts'
import { breaches } from '../../helpers/http/broken-ends.ts'
import { everythingAt, failed, inhabited, look } from '../../helpers/http/conformance.ts'
import type { World } from '../../helpers/world.ts'

const aboutFlags = [
  ...['turns', 'fences', 'leases', 'cutovers', 'claims', 'batches', 'removals'],
  ...['captures', 'steps'],
]
const aboutRows = [
  ...['auth', 'description', 'requests', 'gzip', 'rows', 'pages', 'digests', 'sequences'],
]

test('each point is about flags or about rows', () => {
  const both = [...aboutFlags, ...aboutRows]
  const others = points.filter(({ name }) => !both.some((one) => name.startsWith(`${one}.`)))
  expect(others).toEqual([])
})

let world: World
beforeAll(async () => {
  world = await inhabited()
})
afterAll(() => world[Symbol.asyncDispose]())

test('a sound end keeps every point of signed requests', async () => {
  const findings = await look(world, { hmac: true, scratch: 'nobody else' })
  expect(findings.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
}, 120_000)

test.each(Object.entries(breaches))(
  'an end that %s fails no other point',
  {
    timeout: 120_000,
  },
  async (what, { breach, points }) => {
    const before = await everythingAt(world)
    const isAboutFlags = aboutFlags.some((one) => points[0]?.startsWith(`${one}.`))
    const only = isAboutFlags ? aboutFlags : aboutRows
    expect(failed(await look(world, { breach, only, scratch: what }))).toEqual(points)
    expect(await everythingAt(world)).toEqual(before)
  },
)
