// The worker's half of an end asks no more, no sooner and no more often than it may.
import { describe, expect, test } from 'vitest'
import { answerOf } from '../../helpers/http/http-trouble.ts'
import { type AskedFor, answeredBy, asking } from '../../helpers/http/worker-half.ts'

const right: Readonly<Record<AskedFor | 'flags/read-flag', string>> = {
  'rows/read': '["1","acme","a"]\n{"next":null}\n',
  'rows/digest': '{"rows":"1","sum":"1"}',
  'rows/count': '1',
  'rows/drain': '{"waitedMs":0}',
  'flags/take-turn': 'true',
  'flags/read-flag': 'null',
  'flags/mark-moved': 'null',
}

const rightly = (operation: string) => answerOf(200, right[operation as AskedFor])

describe.concurrent.each<[number, AskedFor, () => string, number]>([
  [429, 'rows/read', () => '1', 1_000],
  [503, 'rows/count', () => '1', 1_000],
  [429, 'flags/mark-moved', () => '1', 1_000],
  [503, 'flags/take-turn', () => '1', 1_000],
  [503, 'rows/drain', () => new Date(Date.now() + 2_000).toUTCString(), 1_000],
  [503, 'rows/digest', () => new Date(0).toUTCString(), 0],
])('an end that answers %i to %s', (status, operation, after, waitMs) => {
  test('is asked again when its Retry-After is over, and not before', async () => {
    const askedAt: number[] = []
    await using at = await answeredBy((asked) => {
      if (asked !== operation) return rightly(asked)
      askedAt.push(performance.now())
      const busy = answerOf(status, '', { 'retry-after': after() })
      return askedAt.length === 1 ? busy : rightly(asked)
    })
    await asking[operation](at.end)
    expect(askedAt).toHaveLength(2)
    expect((askedAt[1] ?? 0) - (askedAt[0] ?? 0)).toBeGreaterThanOrEqual(waitMs - 5)
  })
})

describe.concurrent('an operation', () => {
  test('that may be repeated is asked for five times and no more', async () => {
    let times = 0
    await using at = await answeredBy(() => {
      times += 1
      return answerOf(500)
    })
    await expect(asking['rows/digest'](at.end)).rejects.toMatchObject({ code: 'PROTOCOL_BROKEN' })
    expect(times).toBe(5)
  })

  test.each([500, 502, 504])(
    'that may not be repeated is asked for once if the answer is %i',
    async (status) => {
      let times = 0
      await using at = await answeredBy(() => {
        times += 1
        return answerOf(status)
      })
      await expect(asking['flags/mark-moved'](at.end)).rejects.toThrow(String(status))
      expect(times).toBe(1)
    },
  )
})

describe('of requests for rows', () => {
  test('no more are under way at once than the plan says, while flags go on', async () => {
    let [underWay, most] = [0, 0]
    const waiting: (() => void)[] = []
    const changes = { concurrency: 3 }
    await using at = await answeredBy(async (operation) => {
      if (operation.startsWith('flags/')) return rightly(operation)
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise<void>((resolve) => waiting.push(resolve))
      underWay -= 1
      return rightly(operation)
    }, changes)
    const counts = Array.from({ length: 8 }, () => asking['rows/count'](at.end))
    const all = Promise.all(counts)
    for (let answered = 0; answered < 8; ) {
      // A flag is answered although every request for rows waits.
      expect(await asking['flags/take-turn'](at.end)).toEqual({ flag: null })
      const released = waiting.splice(0)
      answered += released.length
      for (const answer of released) answer()
    }
    expect(await all).toEqual(Array(8).fill(1))
    expect(most).toBe(3)
  })

  test('no more begin in a second than the plan says', async () => {
    const begun: number[] = []
    const changes = { requestsPerS: 40, concurrency: 50 }
    await using at = await answeredBy((operation) => {
      begun.push(performance.now())
      return rightly(operation)
    }, changes)
    await Promise.all(Array.from({ length: 50 }, () => asking['rows/count'](at.end)))
    expect(begun).toHaveLength(50)
    const spansMs = begun.slice(20).map((at, i) => at - (begun[i] ?? 0))
    // 20 of them take half a second; some may be on their way for longer than others.
    expect(Math.min(...spansMs)).toBeGreaterThan(300)
  })
})
