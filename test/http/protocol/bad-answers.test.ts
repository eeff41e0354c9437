// Answers that no end may send, read by a worker's half alone: each is one clear error, which says
// whether another attempt may help. What becomes of a tenant is in bad-answers.pg.test.ts.
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Answer, answerOf } from '../../helpers/http/http-trouble.ts'
import { type AskedFor, answeredBy, asking } from '../../helpers/http/worker-half.ts'
import { serve } from '../../helpers/http-end.ts'

const maxBytes = 100_000
const zip = { 'content-encoding': 'gzip' }

interface Case {
  readonly operation: AskedFor
  readonly answer: Answer
  readonly message: RegExp
  /** Default PROTOCOL_BROKEN, which no other attempt mends. */
  readonly code?: string
  readonly retryable?: true
}

const [first, second, last] = ['["1","acme","a"]\n', '["2","acme","b"]\n', '{"next":null}\n']
const page = `${first}${second}${last}`
const noRow = /sent a line that is no row of \d texts or nulls/
const cutOff = /sent a page without its last line: it was cut off/

const cases: Readonly<Record<string, Case>> = {
  'is larger than the plan allows': {
    operation: 'rows/read',
    answer: answerOf(200, `["${'x'.repeat(maxBytes)}"]\n{"next":null}\n`),
    message: /answered with more than 100000 bytes/,
  },
  'is small as it comes and vast when unpacked': {
    operation: 'rows/digest',
    answer: answerOf(200, gzipSync(Buffer.alloc(50_000_000, ' ')), zip),
    message: /answered with more than 100000 bytes/,
  },
  'is a page of a web site': {
    operation: 'rows/count',
    answer: answerOf(200, '<!doctype html><title>Sign in</title>'),
    message: /answered with what is no JSON/,
  },
  'is empty': {
    operation: 'flags/take-turn',
    answer: answerOf(204),
    message: /answered with what is no JSON/,
  },
  'says that it is packed and is not': {
    operation: 'rows/drain',
    answer: answerOf(200, 'this is no gzip', zip),
    message: /answered with invalid gzip/,
  },
  'has values of other types': {
    operation: 'rows/digest',
    answer: answerOf(200, '{"rows":12,"sum":"3"}'),
    message: /answered against the protocol: rows: /,
  },
  'has a row with a value too many': {
    operation: 'rows/read',
    answer: answerOf(200, '["a","b","c","d","e"]\n{"next":null}\n'),
    message: noRow,
  },
  'has a row with a value too few': {
    operation: 'rows/read',
    answer: answerOf(200, '["a","b"]\n{"next":null}\n'),
    message: noRow,
  },
  'has a row whose values are no texts': {
    operation: 'rows/read',
    answer: answerOf(200, '[1,2,3]\n{"next":null}\n'),
    message: noRow,
  },
  'ends in the middle of a row': {
    operation: 'rows/read',
    answer: answerOf(200, page.slice(0, first.length + 5)),
    message: cutOff,
    retryable: true,
  },
  'ends between two rows': {
    operation: 'rows/read',
    answer: answerOf(200, `${first}${second}`),
    message: cutOff,
    retryable: true,
  },
  'is shorter than it said': {
    operation: 'rows/read',
    answer: answerOf(200, page, { 'content-length': '99999' }),
    message: /has not answered within 100 ms/,
    code: 'UNREACHABLE',
    retryable: true,
  },
  'is packed and ends in the middle': {
    operation: 'rows/read',
    answer: answerOf(200, gzipSync(page.repeat(100)).subarray(0, -12), zip),
    message: /sent an incomplete answer/,
    retryable: true,
  },
}

/** Reads the answer with the worker's half. */
async function read({ operation, answer, timeoutMs }: Asked): Promise<unknown> {
  await using at = await answeredBy(() => answer, { maxBytes, timeoutMs })
  return await asking[operation](at.end).catch((failure: unknown) => failure)
}

type Asked = Pick<Case, 'operation' | 'answer'> & { readonly timeoutMs: number }

describe.concurrent('an answer that', () => {
  test.each(Object.entries(cases))('%s is an error', async (_, bad) => {
    const timeoutMs = bad.code === 'UNREACHABLE' ? 100 : 30_000
    const error = await read({ ...bad, timeoutMs })
    const { message, code = 'PROTOCOL_BROKEN', retryable = false } = bad
    expect(error).toMatchObject({ code, retryable, message: expect.stringMatching(message) })
    const place = /^the source \(http:\/\/127.0.0.1:\d+\/rehome\) /
    expect(error).toMatchObject({ message: expect.stringMatching(place) })
  })

  test.each([301, 302, 307, 308])('redirects with %i leads nowhere', async (status) => {
    const headers: string[] = []
    await using elsewhere = await serve((request, response) => {
      headers.push(String(request.headers.authorization))
      response.end('null')
    })
    const answer = answerOf(status, '', { location: `${elsewhere.url}/v1/rows/count` })
    const error = await read({ operation: 'rows/count', answer, timeoutMs: 30_000 })
    expect(error).toMatchObject({
      ...{ code: 'PROTOCOL_BROKEN', retryable: false },
      message: expect.stringMatching(new RegExp(`^the source .* answered ${status}`)),
    })
    expect(headers).toEqual([])
  })
})
