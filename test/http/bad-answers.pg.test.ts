// An end answers what it should not: one clear error, and the tenant goes on writing at the source.
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { serve } from '../helpers/http-end.ts'
import { type Answer, answerOf, textOf, troubleWhen } from '../helpers/http-trouble.ts'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../helpers/runs.ts'

const maxBytes = 100_000
const zip = { 'content-encoding': 'gzip' }

interface Case {
  readonly is: string
  readonly operation: string
  /** From what the end would have answered. */
  readonly answer: (right: Answer) => Answer | Promise<Answer>
  readonly message: RegExp
  /** Default PROTOCOL_BROKEN, at once. */
  readonly code?: string
  readonly attempts?: number
  readonly timeoutMs?: number
}

async function cutOff(right: Answer, bytes: (whole: number) => number): Promise<Answer> {
  const whole = Buffer.from(await textOf(right))
  return answerOf(200, whole.subarray(0, bytes(whole.length)))
}

const cases: Case[] = [
  {
    is: 'larger than the plan allows',
    operation: 'rows/read',
    answer: () => answerOf(200, `["${'x'.repeat(maxBytes)}"]\n{"next":null}\n`),
    message: /answered with more than 100000 bytes/,
  },
  {
    is: 'small as it comes and vast when unpacked',
    operation: 'rows/digest',
    answer: () => answerOf(200, gzipSync(Buffer.alloc(50_000_000, ' ')), zip),
    message: /answered with more than 100000 bytes/,
  },
  {
    is: 'a page of a web site',
    operation: 'rows/count',
    answer: () => answerOf(200, '<!doctype html><title>Sign in</title>'),
    message: /answered with what is no JSON/,
  },
  {
    is: 'nothing at all',
    operation: 'flags/take-turn',
    answer: () => answerOf(204),
    message: /answered with what is no JSON/,
  },
  {
    is: 'not what was packed',
    operation: 'rows/drain',
    answer: () => answerOf(200, 'this is no gzip', zip),
    message: /answered with what is no gzip/,
  },
  {
    is: 'of another type',
    operation: 'rows/digest',
    answer: () => answerOf(200, '{"rows":12,"sum":"3"}'),
    message: /answered against the protocol: rows: /,
  },
  {
    is: 'a row with a value too many',
    operation: 'rows/read',
    answer: () => answerOf(200, '["a","b","c","d","e"]\n{"next":null}\n'),
    message: /sent a line that is no row of \d texts or nulls/,
  },
  {
    is: 'a row whose values are no texts',
    operation: 'rows/read',
    answer: () => answerOf(200, '[1,2,3]\n{"next":null}\n'),
    message: /sent a line that is no row of \d texts or nulls/,
  },
  {
    is: 'a page that ends in the middle of a row',
    operation: 'rows/read',
    answer: (right) => cutOff(right, (whole) => Math.floor(whole / 3)),
    message: /sent a page without its last line: it was cut off/,
    attempts: 2,
  },
  {
    is: 'a page that ends between two rows',
    operation: 'rows/read',
    answer: async (right) => answerOf(200, (await textOf(right)).replace(/\{.*\}\n$/, '')),
    message: /sent a page without its last line: it was cut off/,
    attempts: 2,
  },
  {
    is: 'a page shorter than it said',
    operation: 'rows/read',
    answer: (right) => ({ ...right, headers: { ...right.headers, 'content-length': '99999' } }),
    message: /has not answered within 500 ms/,
    code: 'UNREACHABLE',
    timeoutMs: 500,
    attempts: 2,
  },
  {
    is: 'a packed page that ends in the middle',
    operation: 'rows/read',
    answer: async (right) => answerOf(200, gzipSync(await textOf(right)).subarray(0, -12), zip),
    message: /sent an answer that was cut off/,
    attempts: 2,
  },
]

test.each(cases.map((bad) => [bad.is, bad] as const))('an answer that is %s', async (_, bad) => {
  const { operation, answer, message, code = 'PROTOCOL_BROKEN' } = bad
  const { attempts = 1, timeoutMs = 30_000 } = bad
  const between = troubleWhen((asked) =>
    asked === operation ? async (_, work) => await answer(await work()) : null,
  )
  await using world = await createHttpWorld({
    ...{ over: ['source'], asking: { maxBytes, timeoutMs } },
    serve: () => ({ between }),
  })
  await world.addTenant('acme')
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect([move.phase, move.error_code, move.attempt]).toEqual(['failed', code, attempts])
  expect(move.error_message).toMatch(message)
  expect(move.error_message).toMatch(/^the source \(http:\/\/127.0.0.1:\d+\/rehome\) /)
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  expect(await flagsAt(world, 'source')).toEqual([])
})

test.each([301, 302, 307, 308])(
  'an answer %i leads nowhere, and takes no secret there',
  async (status) => {
    const met: unknown[] = []
    await using elsewhere = await serve((request, response) => {
      met.push(request.headers)
      response.end('null')
    })
    const headers = { location: `${elsewhere.url}/v1/rows/write` }
    const between = troubleWhen((asked) =>
      asked === 'rows/write' ? async () => answerOf(status, '', headers) : null,
    )
    await using world = await createHttpWorld({ over: bothEnds, serve: () => ({ between }) })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'failed', error_code: 'PROTOCOL_BROKEN', attempt: 1 })
    expect(move.error_message).toMatch(new RegExp(`^the target .* answered ${status}`))
    expect(met).toEqual([])
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  },
)

test('a page that was cut off once is read again by another attempt', async () => {
  let cuts = 1
  const between = troubleWhen((asked) =>
    asked === 'rows/read' && cuts-- > 0
      ? async (_, work) => await cutOff(await work(), (whole) => whole - 20)
      : null,
  )
  await using world = await createHttpWorld({ over: bothEnds, serve: () => ({ between }) })
  await world.addTenant('acme')
  await using _worker = await world.work()
  const runId = await runAll(world)
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved', attempt: 2 })
  expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
  await expectHome(world, 'acme', 'target')
})
