/** Batches of rows that come to an end, and the progress that counts them. */
import { batchOf, countOf, nothing, receiving } from '../copied-rows.ts'
import { expectSame, type Point } from '../point.ts'
import { attempt, claim, onScratchRows } from '../scratch.ts'
import { rowsOf } from '../tables.ts'

const needs = ['batches.write']

export const batchPoints: readonly Point[] = [
  {
    name: 'batches.write',
    says: 'a batch is written with its progress, and its rows are what was sent',
    needs: ['claims.claim', 'pages.once'],
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const { table, columns, rows, by } = at
      const head = batchOf(at, rows)
      const cursor = 'where the other end goes on'
      const progress = { ...head.progress, cursor }
      const written = await end.write({ ...head, progress }, rows)
      expectSame(written, { repeated: false }, 'write')
      expectSame(await countOf(end, at), rows.length, 'count')
      const { scope, scratch: tenant } = end
      const found = await rowsOf(end, { tenant, table, columns, limit: 1_000 })
      const texts = (some: readonly unknown[]) => some.map((row) => JSON.stringify(row)).sort()
      expectSame(texts(found), texts(rows), 'rows')
      const known = await end.ask('readProgress', { scope, tenant, epoch: by.epoch })
      const { rowsRead, rowsWritten } = progress
      expectSame(
        known.map(({ table, ...of }) => [table, of.rowsRead, of.rowsWritten, of.done, of.cursor]),
        [[table.name, rowsRead, rowsWritten, false, cursor]],
        'readProgress',
      )
    }),
  },
  {
    name: 'batches.repeated',
    says: 'the same batch once more is acknowledged, and writes nothing',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const head = batchOf(at, at.rows)
      await end.write(head, at.rows)
      expectSame(await end.write(head, at.rows), { repeated: true }, 'write')
      expectSame(await countOf(end, at), at.rows.length, 'count')
    }),
  },
  {
    name: 'batches.at-once',
    says: 'of two that come at the same time one is written',
    needs: ['batches.repeated'],
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const head = batchOf(at, at.rows)
      const both = await Promise.all([end.write(head, at.rows), end.write(head, at.rows)])
      expectSame(both.map(({ repeated }) => repeated).sort(), [false, true], 'repeated')
      expectSame(await countOf(end, at), at.rows.length, 'count')
    }),
  },
  {
    name: 'batches.next',
    says: 'the next batch follows, the last may be without rows, and an earlier one is a gap',
    needs: ['batches.repeated'],
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const [first, second] = [at.rows.slice(0, 1), at.rows.slice(1)]
      const one = batchOf(at, first)
      const two = batchOf(at, second, one.progress)
      const last = { ...batchOf(at, [], two.progress), progress: { ...two.progress, done: true } }
      expectSame(await end.write(one, first), { repeated: false }, 'the first')
      expectSame(await end.write(two, second), { repeated: false }, 'the second')
      expectSame(await end.write(last, []), { repeated: false }, 'the last')
      expectSame(await end.write(last, []), { repeated: true }, 'the last once more')
      expectSame((await end.sendBatch(one, first)).status === 200, false, 'the first is accepted')
      expectSame(await countOf(end, at), at.rows.length, 'count')
    }),
  },
  {
    name: 'batches.epoch',
    says: 'progress is that of its epoch: under another one nothing has come',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const { rows, by } = at
      const first = rows.slice(0, 1)
      await end.write(batchOf(at, first), first)
      const next = await attempt(end)
      await claim(end, next, [by.moveId])
      const { scope, scratch: tenant } = end
      const known = await end.ask('readProgress', { scope, tenant, epoch: next.epoch })
      expectSame(known, [], 'readProgress')
      const rest = rows.slice(1)
      const head = batchOf({ ...at, by: next }, rest, nothing)
      expectSame(await end.write(head, rest), { repeated: false }, 'write')
    }),
  },
  {
    name: 'batches.forget',
    says: 'forgetProgress forgets under the token of the flag, and otherwise does nothing',
    needs,
    check: onScratchRows(async (end) => {
      const at = await receiving(end)
      const { hold, epoch, moveId } = at.by
      const { scope, scratch: tenant } = end
      const known = async () => (await end.ask('readProgress', { scope, tenant, epoch })).length
      await end.write(batchOf(at, at.rows), at.rows)
      const next = await attempt(end)
      await end.ask('forgetProgress', hold)
      expectSame(await known(), 1, 'tables after one whose turn has passed')
      await end.ask('forgetProgress', next.hold)
      expectSame(await known(), 1, 'tables after one without the token')
      await end.ask('adopt', { ...next.hold, moveId, mode: 'receiving' })
      await end.ask('forgetProgress', next.hold)
      expectSame(await known(), 0, 'tables')
    }),
  },
]
