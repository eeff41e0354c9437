// The retry time of refusals while the whole application is read-only for a time.
import { expect, test } from 'vitest'
import { startReadOnly } from '../../src/ends/postgres/fence/read-only.ts'
import { createFenced } from '../helpers/fence/fenced.ts'

test('the time after which to try again is never later than the end', async () => {
  await using db = await createFenced()
  const start = { scope: 'default', reason: 'upgrade', retryAfterS: 60 }
  const told = async () => {
    const insert = `insert into visits values ('acme', '2026-02-02', 1)`
    const refused: { detail: string } = await db.pool.query(insert).catch((error) => error)
    const look = `select "retryAfterS" as s from rehome.fences_of('default', '{acme}')`
    const { s } = (await db.pool.query(look)).rows[0]
    return [JSON.parse(refused.detail).retryAfterS, s]
  }
  await startReadOnly(db.moverPool(), { ...start, forMs: 90_000 })
  expect(await told()).toEqual([60, 60])
  await startReadOnly(db.moverPool(), { ...start, forMs: 20_000 })
  for (const seconds of await told()) expect(seconds).toBeLessThanOrEqual(20)
  await startReadOnly(db.moverPool(), { ...start, forMs: null })
  expect(await told()).toEqual([60, 60])
})
