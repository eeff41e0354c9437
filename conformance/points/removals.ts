/** Rows that are removed, only where the end is closed for who removes them. */
import { batchOf, countOf, type Receiving, receiving } from '../copied-rows.ts'
import { expectSame, type Point } from '../point.ts'
import { attempt, onScratchRows } from '../scratch.ts'
import { expectRefused, type Subject } from '../subject.ts'

const needs = ['batches.write']

export const removalPoints: readonly Point[] = [
  {
    name: 'removals.batches',
    says: 'rows go in batches, until none is left',
    needs,
    check: onScratchRows(async (end) => {
      const { at, request } = await written(end)
      expectSame(await end.ask('remove', { ...request, batchRows: 1 }), 1, 'of one row')
      expectSame(await countOf(end, at), at.rows.length - 1, 'count')
      expectSame(await end.ask('remove', request), at.rows.length - 1, 'of all others')
      expectSame(await end.ask('remove', request), 0, 'of none')
    }),
  },
  {
    name: 'removals.at-once',
    says: 'with atOnce all rows go, whatever batchRows says',
    needs,
    check: onScratchRows(async (end) => {
      const { at, request } = await written(end)
      const removed = await end.ask('remove', { ...request, atOnce: true, batchRows: 1 })
      expectSame(removed, at.rows.length, 'remove')
      expectSame(await countOf(end, at), 0, 'count')
    }),
  },
  {
    name: 'removals.others',
    says: "no other tenant's rows are removed",
    needs,
    check: onScratchRows(async (end) => {
      const { at, request } = await written(end)
      const { scope, tenant } = end
      const theirs = () => end.ask('count', { scope, tenant, table: at.table.name })
      const before = await theirs()
      await end.ask('remove', request)
      expectSame(await theirs(), before, 'rows of --tenant')
    }),
  },
  {
    name: 'removals.mode',
    says: 'rows stay where the flag has another mode than the one that is said',
    needs,
    check: onScratchRows(async (end) => {
      const { at, request } = await written(end)
      for (const mode of ['moved', 'capturing'] as const) {
        expectRefused(await end.post('remove', { ...request, mode }), `remove under ${mode}`)
      }
      expectRefused(await end.post('remove', { ...request, mode: 'read_only' }), 'read_only')
      expectSame(await countOf(end, at), at.rows.length, 'count')
    }),
  },
  {
    name: 'removals.token',
    says: 'rows stay where the turn has passed, or the token is not that of the flag',
    needs: [...needs, 'turns.lower'],
    check: onScratchRows(async (end) => {
      const { at, request } = await written(end)
      const next = await attempt(end)
      expectRefused(await end.post('remove', request), 'a turn that has passed')
      expectRefused(await end.post('remove', { ...request, ...next.hold }), 'another token')
      expectSame(await countOf(end, at), at.rows.length, 'count')
    }),
  },
  {
    name: 'removals.open',
    says: 'rows stay where the end is open',
    needs,
    check: onScratchRows(async (end) => {
      const { at, request } = await written(end)
      await end.ask('openReceived', at.by.hold)
      expectRefused(await end.post('remove', request), 'an open end')
      expectSame(await countOf(end, at), at.rows.length, 'count')
    }),
  },
]

async function written(end: Subject) {
  const at: Receiving = await receiving(end)
  await end.write(batchOf(at, at.rows), at.rows)
  const tables = [at.table.name]
  const of = { mode: 'receiving', tables, atOnce: false, batchRows: 1_000 } as const
  return { at, request: { ...at.by.hold, ...of, tables } }
}
