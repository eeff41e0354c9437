/** Batches that an end has to refuse, all of them, with nothing of them written. */
import { gzipSync } from 'node:zlib'
import { joinLines } from '../../src/ends/http/lines.ts'
import { pathOf } from '../../src/ends/http/protocol/operations.ts'
import type { Texts } from '../../src/ends/tenant-rows.ts'
import type { Answer } from '../caller.ts'
import { batchOf, copiedRows, countOf, nothing, type Receiving, receiving } from '../copied-rows.ts'
import { expectSame, expectThat, type Point } from '../point.ts'
import { attempt, onScratchRows, raise } from '../scratch.ts'
import { type BatchHead, expectRefused, type Subject, told } from '../subject.ts'

const needs = ['batches.write']

export const refusedBatchPoints: readonly Point[] = [
  {
    name: 'batches.gap',
    says: 'a batch that does not follow what has come is refused',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const from = { ...nothing, rowsRead: 5, rowsWritten: 5 }
      await expectNothing(end, at, { what: 'a gap', head: batchOf(at, at.rows, from) })
    }),
  },
  {
    name: 'batches.uncounted',
    says: 'a batch with rows that brings no progress is refused, and not taken for a repetition',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const head = { ...batchOf(at, at.rows), progress: nothing }
      await expectNothing(end, at, { what: 'rows without progress', head })
    }),
  },
  {
    name: 'batches.no-hold',
    says: 'a batch for an end that is open, or fenced, is refused as FENCE_LOST',
    needs,
    check: onScratchRows(async (end) => {
      const by = await attempt(end)
      const at = { ...(await copiedRows(end)), by }
      const head = batchOf(at, at.rows)
      expectLost(await expectNothing(end, at, { what: 'an open end', head }))
      await raise(end, by)
      expectLost(await expectNothing(end, at, { what: 'a fenced end', head }))
    }),
  },
  {
    name: 'batches.passed',
    says: 'a batch of an attempt whose turn has passed is refused',
    needs: [...needs, 'turns.lower'],
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      await attempt(end)
      await expectNothing(end, at, { what: 'a turn that has passed', head: batchOf(at, at.rows) })
    }),
  },
  {
    name: 'batches.token',
    says: 'so is one of an attempt that has the turn, and not the token of the flag',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const next = await attempt(end)
      const head = { ...batchOf(at, at.rows), ...next.hold }
      await expectNothing(end, at, { what: 'another token', head })
    }),
  },
  {
    name: 'batches.whole',
    says: 'a batch with a row that cannot be written writes none',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const rows = [...at.rows, at.rows[0] ?? []]
      await expectNothing(end, at, { what: 'a key twice', head: batchOf(at, rows), rows })
      const short = [...at.rows, (at.rows[0] ?? []).slice(1)]
      await expectNothing(end, at, {
        what: 'a row too short',
        head: batchOf(at, short),
        rows: short,
      })
    }),
  },
  {
    name: 'batches.form',
    says: 'a batch that is cut off, has no head, or has lines that are no rows is refused',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const head = JSON.stringify(batchOf(at, at.rows))
      const lines = at.rows.map((row) => JSON.stringify(row))
      const whole = joinLines([head, ...lines])
      const bodies = {
        'no head': joinLines(lines),
        'a head alone that is none': '{}\n',
        'half a line': whole.slice(0, -4),
        'an object for a row': joinLines([head, ...lines, '{}']),
        'a number for a text': joinLines([head, ...lines, JSON.stringify(at.columns.map(() => 1))]),
      }
      const type = { 'content-type': 'application/x-ndjson' }
      for (const [what, body] of Object.entries(bodies)) {
        expectRefused(await end.send({ path: pathOf('write'), body, headers: type }), what)
      }
      const headers = { ...type, 'content-encoding': 'gzip' }
      const body = gzipSync(whole).subarray(0, -10)
      expectRefused(await end.send({ path: pathOf('write'), body, headers }), 'half a gzip')
      expectSame(await countOf(end, at), 0, 'rows afterwards')
    }),
  },
]

interface Attempted {
  readonly what: string
  readonly head: BatchHead
  readonly rows?: readonly Texts[]
}

async function expectNothing(
  end: Subject,
  at: Receiving,
  { what, head, rows = at.rows }: Attempted,
): Promise<Answer> {
  const { scope, scratch: tenant } = end
  const answer = await end.sendBatch(head, rows)
  expectRefused(answer, what)
  expectSame(await countOf(end, at), 0, `${what}: rows afterwards`)
  const known = await end.ask('readProgress', { scope, tenant, epoch: head.epoch })
  expectSame(known, [], `${what}: progress afterwards`)
  return answer
}

function expectLost(answer: Answer): void {
  const isTold = answer.status === 409 && /"FENCE_LOST"/.test(answer.text)
  expectThat(isTold, () => `expected 409 and the code FENCE_LOST, and came ${told(answer)}`)
}
