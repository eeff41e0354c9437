// A server stops to answer while a tenant is fenced: at no call does the tenant wait for it longer
// than the plan's budget.
import { expect, test } from 'vitest'
import { startTcpProxy } from '../../dev/tcp-proxy.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { eventually } from '../helpers/eventually.ts'
import { partOf } from '../helpers/rotation.ts'
import { createWorld } from '../helpers/world.ts'

const budgetMs = 1_000
/** How long a hung call to the control database takes by itself is ten seconds. */
const latestMs = 5_000

type Server = 'control' | 'target'

/** Since the fence was raised, until writes were accepted somewhere, in ms. */
async function pauseOf(
  strategy: 'offline' | 'online',
  { server, hangsIn }: { server: Server; hangsIn: string },
): Promise<number> {
  await using world = await createWorld({ plan: { strategy, pause: { budgetMs } } })
  await world.addTenant('acme', 2)
  const url = new URL(world[server].url)
  await using proxy = await startTcpProxy({ to: { host: url.hostname, port: Number(url.port) } })
  url.port = String(proxy.port)
  url.hostname = '127.0.0.1'
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await using attempts = openAttempts(world, { [`${server.toUpperCase()}_URL`]: url.href })
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

const hangs = [
  ['offline', 'control', 'fence'],
  ['offline', 'control', 'copy'],
  ['offline', 'control', 'cutover'],
  ['online', 'control', 'final_catch_up'],
  ['offline', 'target', 'copy'],
  ['online', 'target', 'final_catch_up'],
] as const

test.each(partOf(hangs, 2))(
  'an %s move whose %s hangs in %s',
  async (strategy, server, hangsIn) => {
    expect(await pauseOf(strategy, { server, hangsIn })).toBeLessThan(latestMs)
  },
)
