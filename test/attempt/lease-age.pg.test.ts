// The age of leases, as metrics have it: from the announcement of a fence until it is let go.
import { expect, test } from 'vitest'
import { leaseAgeS, leases } from '../../src/attempt/lease-age.ts'
import { openScene } from '../helpers/attempts/scene.ts'
import { stories } from '../helpers/attempts/stories.ts'

test('an attempt has a lease while its tenant is fenced, and none afterwards', async () => {
  const others = new Set(leases())
  const held = () => leases().filter((lease) => !others.has(lease))
  await using scene = await openScene(stories.move)
  const [move] = await scene.arrange(['acme'])
  const counts: number[] = []
  let age = 0
  const life = scene.lifeOf('acme', () => {
    counts.push(held().length)
    if (held().length > 0) age = leaseAgeS()
    return 'goes on'
  })
  await scene.attempts.live(life, move?.id ?? '')
  expect(counts.join('')).toMatch(/^0+1{10,}0*$/)
  expect(age).toBeGreaterThan(0)
  expect(held()).toEqual([])
})
