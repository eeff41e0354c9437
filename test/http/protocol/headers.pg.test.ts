// What proxies and their logs see of requests, their addresses and headers, holds nothing that
// opens or changes an end: neither the key of a fence nor an attempt's token.
import { expect, test } from 'vitest'
import type { Between } from '../../helpers/http-end.ts'
import { bothEnds, createHttpWorld } from '../../helpers/http-world.ts'
import { moveOf, runAll } from '../../helpers/runs.ts'

const plainOf = (uuid: string) => uuid.replaceAll('-', '').toLowerCase()

test('no address and no header has the key of an end or the token of an attempt', async () => {
  const heads: string[] = []
  const between: Between = (handler) => (request, response) => {
    heads.push(`${request.url} ${JSON.stringify(request.headers)}`)
    return handler(request, response)
  }
  const serve = () => ({ between })
  await using world = await createHttpWorld({ over: bothEnds, serve, plan: { strategy: 'online' } })
  await world.addTenant('acme')
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move).toMatchObject({ phase: 'moved', error_code: null })
  const flags = 'select epoch, token from rehome.tenant_flags'
  const [flag] = (await world.source.pool.query(flags)).rows
  const hidden = [move.epoch ?? '', flag.epoch, flag.token].map(plainOf)
  expect(hidden.every((uuid) => uuid.length === 32)).toBe(true)
  const text = heads.join('\n').toLowerCase()
  for (const uuid of hidden) expect(text.replaceAll('-', '')).not.toContain(uuid)
  expect(heads.some((head) => head.includes('idempotency-key'))).toBe(true)
})
