// An end answers what it should not: the move fails with one clear error or is tried again, and the
// tenant goes on writing at the source. Each kind of bad answer is in bad-answers.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningWorker } from '../../../jobs/worker.ts'
import {
  type Answer,
  answerOf,
  type Trouble,
  textOf,
  troubleWhen,
} from '../../helpers/http/http-trouble.ts'
import { serve } from '../../helpers/http-end.ts'
import { bothEnds, createHttpWorld, type HttpWorld } from '../../helpers/http-world.ts'
import { expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../../helpers/runs.ts'

let world: HttpWorld
let worker: RunningWorker
let bad: { operation: string; trouble: Trouble } | null = null
beforeAll(async () => {
  const between = troubleWhen((asked) => (asked === bad?.operation ? bad.trouble : null))
  world = await createHttpWorld({ over: bothEnds, serve: () => ({ between }) })
  worker = await world.work()
})
afterAll(async () => {
  await worker.close()
  await world[Symbol.asyncDispose]()
})

/** Moves a new tenant while each answer to the operation is another one. */
async function moveWhile(tenant: string, operation: string, trouble: Trouble) {
  await world.addTenant(tenant)
  bad = { operation, trouble }
  const move = await moveOf(world, await runAll(world, [tenant]), tenant)
  bad = null
  return move
}

async function cutOff(right: Answer, bytes: (whole: number) => number): Promise<Answer> {
  const whole = Buffer.from(await textOf(right))
  return answerOf(200, whole.subarray(0, bytes(whole.length)))
}

test('an answer against the protocol fails the move at once', async () => {
  const sum: Trouble = async () => answerOf(200, '{"rows":12,"sum":"3"}')
  const move = await moveWhile('once', 'rows/digest', sum)
  expect(move).toMatchObject({ phase: 'failed', error_code: 'PROTOCOL_BROKEN', attempt: 1 })
  expect(move.error_message).toMatch(/answered against the protocol: rows: /)
  expect(await tryWrite(world, 'source', 'once')).toBe('accepted')
  expect(await flagsAt(world, 'source')).toEqual([])
})

test('a page that is cut off each time fails the move after its last attempt', async () => {
  const third: Trouble = async (_, work) => await cutOff(await work(), (whole) => whole / 3)
  const move = await moveWhile('always', 'rows/read', third)
  expect(move).toMatchObject({ phase: 'failed', error_code: 'PROTOCOL_BROKEN', attempt: 2 })
  expect(move.error_message).toMatch(/sent a page without its last line: it was cut off/)
  expect(await tryWrite(world, 'source', 'always')).toBe('accepted')
  expect(await flagsAt(world, 'source')).toEqual([])
})

test('a page that is cut off once is read again by another attempt', async () => {
  let cuts = 1
  const first: Trouble = async (_, work) =>
    cuts-- > 0 ? await cutOff(await work(), (whole) => whole - 20) : await work()
  const move = await moveWhile('again', 'rows/read', first)
  expect([move.phase, move.attempt, move.error_message]).toEqual(['moved', 2, null])
  expect(await rowsAt(world, 'target', 'again')).toEqual(await rowsAt(world, 'source', 'again'))
  await expectHome(world, 'again', 'target')
})

test('a redirected batch of rows is not sent elsewhere, and fails the move at once', async () => {
  const requests: unknown[] = []
  await using elsewhere = await serve((request, response) => {
    requests.push(request.headers)
    response.end('null')
  })
  const headers = { location: `${elsewhere.url}/v1/rows/write` }
  const move = await moveWhile('redirected', 'rows/write', async () => answerOf(307, '', headers))
  expect(move).toMatchObject({ phase: 'failed', error_code: 'PROTOCOL_BROKEN', attempt: 1 })
  expect(move.error_message).toMatch(/^the target .* answered 307/)
  expect(requests).toEqual([])
  expect(await tryWrite(world, 'source', 'redirected')).toBe('accepted')
})
