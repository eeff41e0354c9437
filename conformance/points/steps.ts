/** Steps of catching up: rows go and come, once however often a step comes. */
import { randomUUID } from 'node:crypto'
import { countOf } from '../copied-rows.ts'
import { catching, expectFeed, sendStep, takeStep } from '../feed.ts'
import { expectSame, expectThat, type Point } from '../point.ts'
import { attempt, claim, onScratchRows } from '../scratch.ts'
import { expectRefused } from '../subject.ts'
import { keyOf, namesOf, rowsOf, tablesWithRows, valuesOf } from '../tables.ts'

const needs = ['steps.checkpoint']

export const stepPoints: readonly Point[] = [
  {
    name: 'steps.keys',
    says: 'read, digest and hashes look at the rows alone that have the keys',
    needs: ['pages.once', 'digests.md5'],
    async check(end) {
      await expectFeed(end)
      const [table] = await tablesWithRows(end)
      if (!table) return
      const { scope, tenant } = end
      const [row] = await rowsOf(end, { tenant, table, limit: 1_000 })
      const columns = keyOf(table)
      const keys = { columns: [...columns], values: [valuesOf(table, row ?? [], columns)] }
      const of = { scope, tenant, table: table.name, keys }
      const named = namesOf(table).map((column) => ({ column, cast: null }))
      const page = await end.read({ ...of, columns: named, cursor: null, limit: 10 })
      expectSame(page.rows, [row], 'read')
      const value = (column: string) => ({ column, type: 'pg_catalog.text', cast: null })
      const spec = { key: columns.map(value), columns: columns.map(value), hash: 'md5' as const }
      expectSame((await end.ask('digest', { ...of, ...spec })).rows, '1', 'digest')
      const none = { ...of, keys: { ...keys, values: [] } }
      expectSame((await end.ask('digest', { ...none, ...spec })).rows, '0', 'digest of none')
    },
  },
  {
    name: 'steps.none',
    says: 'of a tenant that is not captured nothing has changed, and a page of that is empty',
    needs: ['description.valid'],
    async check(end) {
      await expectFeed(end)
      const [table] = (await end.describe()).tables
      const { scope, tenant } = end
      const position = await end.ask('position', { scope, tenant })
      const since = { scope, tenant, position, everyChild: false }
      const counts = await end.ask('countChanges', since)
      expectSame(
        counts.filter(({ changes }) => changes > 0),
        [],
        'countChanges',
      )
      for (const kind of ['before', 'now']) {
        const asked = { ...since, table: table?.name, kind, columns: [], cursor: null, limit: 10 }
        const { status, text } = await end.post('changes', asked)
        expectSame([status, text.trim()], [200, '{"next":null}'], `changes ${kind}`)
      }
    },
  },
  {
    name: 'steps.checkpoint',
    says: 'readCheckpoint has the progress under its epoch, until it is forgotten',
    needs: ['batches.write'],
    check: onScratchRows(async (end) => {
      const { by } = await catching(end)
      const { scope, scratch: tenant } = end
      const checkpoint = await end.ask('readCheckpoint', { scope, tenant, epoch: by.epoch })
      const told = [
        checkpoint?.position,
        checkpoint?.fingerprint,
        checkpoint?.lacking,
        checkpoint?.step,
      ]
      expectSame(told, ['somewhere', 'conformance', false, 1], 'readCheckpoint')
      const other = await end.ask('readCheckpoint', { scope, tenant, epoch: randomUUID() })
      expectSame(other, null, 'of another epoch')
      await end.ask('forgetCheckpoint', { ...by.hold, epoch: by.epoch })
      const gone = await end.ask('readCheckpoint', { scope, tenant, epoch: by.epoch })
      expectSame(gone, null, 'afterwards')
    }),
  },
  {
    name: 'steps.apply',
    says: 'a step removes rows by their keys, and writes rows',
    needs,
    check: onScratchRows(async (end) => {
      const at = await catching(end)
      const first = await takeStep(end, at, { step: 2, rows: at.rows })
      expectSame([first.removed, first.brought], [0, at.rows.length], 'the first')
      const second = await takeStep(end, at, {
        ...{ step: 3, remove: at.keys.slice(0, 2), rows: at.rows.slice(0, 1) },
      })
      expectSame([second.removed, second.brought], [2, 1], 'the second')
      expectSame(await countOf(end, at), at.rows.length - 1, 'count')
    }),
  },
  {
    name: 'steps.repeated',
    says: 'a step that comes again is answered as it was, and changes nothing',
    needs: ['steps.apply'],
    check: onScratchRows(async (end) => {
      const at = await catching(end)
      const step = { step: 2, rows: at.rows }
      const first = await takeStep(end, at, step)
      expectSame(await takeStep(end, at, step), first, 'once more')
      await takeStep(end, at, { step: 3, remove: at.keys })
      expectRefused(await sendStep(end, at, step), 'the first after the second')
      expectSame(await countOf(end, at), 0, 'count')
    }),
  },
  {
    name: 'steps.gap',
    says: 'a step that does not follow the last is refused',
    needs: ['steps.apply'],
    check: onScratchRows(async (end) => {
      const at = await catching(end)
      expectRefused(await sendStep(end, at, { step: 3, rows: at.rows }), 'the third as the second')
      expectSame(await countOf(end, at), 0, 'count')
    }),
  },
  {
    name: 'steps.collided',
    says: 'a row that collides is left out and told, and so it is when the step comes again',
    needs: ['steps.apply'],
    check: onScratchRows(async (end) => {
      const at = await catching(end)
      const [row = [], other = []] = at.rows
      const step = { step: 2, rows: [row, row, other] }
      const applied = await takeStep(end, at, step)
      expectSame([applied.brought, applied.collided], [2, [1]], 'apply')
      expectSame((await takeStep(end, at, step)).collided, [1], 'once more')
      const { scope, scratch: tenant } = end
      const checkpoint = await end.ask('readCheckpoint', { scope, tenant, epoch: at.by.epoch })
      expectThat(
        checkpoint?.lacking,
        () => 'readCheckpoint: it does not say that a row was left out',
      )
      expectSame(await countOf(end, at), 2, 'count')
    }),
  },
  {
    name: 'steps.undone',
    says: 'a step that is to be undone is answered, and changes nothing',
    needs: ['steps.apply'],
    check: onScratchRows(async (end) => {
      const at = await catching(end)
      const tried = await takeStep(end, at, { step: 2, rows: at.rows, undone: true })
      expectSame(tried.brought, at.rows.length, 'apply')
      expectSame(await countOf(end, at), 0, 'count')
      const taken = await takeStep(end, at, { step: 2, rows: at.rows })
      expectSame(taken.brought, at.rows.length, 'the same for good')
    }),
  },
  {
    name: 'steps.passed',
    says: 'a step of an attempt whose turn has passed is refused',
    needs: ['steps.apply'],
    check: onScratchRows(async (end) => {
      const at = await catching(end)
      const next = await attempt(end)
      expectRefused(await sendStep(end, at, { step: 2, rows: at.rows }), 'apply')
      await claim(end, next, [at.by.moveId])
      expectRefused(await sendStep(end, at, { step: 2, rows: at.rows }), 'apply')
      expectSame(await countOf(end, at), 0, 'count')
    }),
  },
]
