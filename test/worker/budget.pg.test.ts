// The control database stops to answer while a tenant is fenced: at no call does the tenant wait
// for it longer than the plan's budget.
import { expect, test } from 'vitest'
import { startTcpProxy } from '../../dev/tcp-proxy.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { eventually } from '../helpers/eventually.ts'
import { createWorld } from '../helpers/world.ts'

const budgetMs = 1_000
/** How long a hung call to the control database takes by itself is ten seconds. */
const latestMs = 5_000

/** Since the fence was raised, until writes were accepted somewhere, in ms. */
async function pauseOf(strategy: 'offline' | 'online', hangsIn: string): Promise<number> {
  await using world = await createWorld({ plan: { strategy, pause: { budgetMs } } })
  await world.addTenant('acme', 2)
  const url = new URL(world.control.url)
  await using proxy = await startTcpProxy({ to: { host: url.hostname, port: Number(url.port) } })
  url.port = String(proxy.port)
  url.hostname = '127.0.0.1'
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await using attempts = openAttempts(world, { CONTROL_URL: url.href })
  // An update would be let in wherever it finds no row.
  const note = `insert into notes (tenant_id, body) values ('acme', 'new')`
  const insert = (end: 'source' | 'target') =>
    world[end].pool.query(note).then(
      () => 'accepted',
      () => 'refused',
    )
  let began = 0
  let hung = false
  using _ = hearing('acme', ({ phase, moment }) => {
    if (phase === 'fence' && moment === 'before' && began === 0) began = performance.now()
    if (phase === hangsIn && moment === 'before' && !hung) proxy.freeze()
    hung ||= proxy.isFrozen
  })
  const attempt = attempts.try('acme').catch(() => {})
  await eventually(() => expect(proxy.isFrozen).toBe(true), { withinMs: 30_000 })
  await eventually(
    async () => {
      expect([await insert('source'), await insert('target')]).toContain('accepted')
    },
    { withinMs: 20_000 },
  )
  const pause = performance.now() - began
  proxy.thaw()
  await attempt
  return pause
}

test.each([
  ['offline', 'fence'],
  ['offline', 'copy'],
  ['offline', 'cutover'],
  ['online', 'final_catch_up'],
] as const)('an %s move whose control database hangs in %s', async (strategy, phase) => {
  expect(await pauseOf(strategy, phase)).toBeLessThan(latestMs)
})
