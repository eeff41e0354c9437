/** The feed of an end that is reached over HTTP: one request a page, a step, or a question. */

import type { Application, ChangedRow, ChangesAsked, CheckpointHold, Feed, Since } from '../feed.ts'
import type { Hold } from '../flags.ts'
import { cursorPages } from '../web/cursor-pages.ts'
import { type Asking, readAnswer, requestKey } from './asking.ts'
import { readColumn } from './http-rows.ts'
import { joinLines, rowsOfPage } from './lines.ts'
import { applyOperation, changesOperation } from './protocol/feed-operations.ts'
import { pathOf } from './protocol/operations.ts'

export function httpFeed(asking: Asking, { pageRows }: { readonly pageRows: number }): Feed {
  const { ask } = asking
  return {
    position: ({ scope, tenant }) => ask('position', { scope, tenant }),
    async waitForWriters({ tenant, drainMs }) {
      const request = { tenant, drainMs }
      return (await ask('waitForWriters', request, { timeoutMs: drainMs + 10_000 })).waitedMs
    },
    async countChanges(since) {
      const counts = await ask('countChanges', sinceOnly(since))
      return new Map(counts.map(({ table, changes }) => [table, changes]))
    },
    changes: (request) => pagesOf(asking, request, pageRows),
    async forgetChanges({ position, ...hold }) {
      await ask('forgetChanges', { ...holdOnly(hold), position })
    },
    readCheckpoint: ({ scope, tenant, epoch }) => ask('readCheckpoint', { scope, tenant, epoch }),
    async writeCheckpoint(hold, { position, fingerprint, lacking, step }) {
      await ask('writeCheckpoint', {
        ...checkpointHoldOnly(hold),
        position,
        fingerprint,
        lacking,
        step,
      })
    },
    forgetCheckpoint: async (hold) =>
      void (await ask('forgetCheckpoint', checkpointHoldOnly(hold))),
    apply: (change) => apply(asking, change),
    brokenByLeaving: (table, { columns, values }) => {
      const keys = { columns: [...columns], values: values.map((texts) => [...texts]) }
      return ask('brokenByLeaving', { table, keys })
    },
  }
}

function sinceOnly({ scope, tenant, position, everyChild }: Since): Since {
  return { scope, tenant, position, everyChild }
}

function holdOnly({ scope, tenant, token }: Hold): Hold {
  return { scope, tenant, token }
}

function checkpointHoldOnly({ epoch, ...hold }: CheckpointHold): CheckpointHold {
  return { ...holdOnly(hold), epoch }
}

async function* pagesOf(
  asking: Asking,
  request: ChangesAsked,
  limit: number,
): AsyncGenerator<readonly ChangedRow[]> {
  const { table, kind, columns, signal } = request
  const ask = async (cursor: string | null) => {
    const of = { ...sinceOnly(request), table, kind, columns: columns.map(readColumn) }
    const text = await asking.transport.ask({
      method: 'POST',
      path: pathOf('changes'),
      body: JSON.stringify({ ...of, cursor, limit }),
      repeatable: changesOperation.repeatable,
    })
    return rowsOfPage(text, { columns: columns.length + 1, where: asking.where })
  }
  const after = { rowsRead: 0, cursor: null }
  for await (const { rows } of cursorPages({ after, signal }, ask)) {
    yield rows.map((row) => ({ texts: row.slice(0, -1), children: row.at(-1) === 't' }))
  }
}

async function apply(asking: Asking, change: Application) {
  const { remove, parents, rows, step, table, key, columns, keep, undone, ...hold } = change
  const head = {
    ...checkpointHoldOnly(hold),
    step,
    table,
    key,
    removes: remove.length,
    columns,
    keep,
    undone,
    parentColumns: parents.columns,
    parents: parents.values.length,
  }
  const lines = [head, ...remove, ...parents.values, ...rows].map((line) => JSON.stringify(line))
  const text = await asking.transport.ask({
    method: 'POST',
    path: pathOf('apply'),
    body: joinLines(lines),
    contentType: 'application/x-ndjson',
    headers: { 'idempotency-key': requestKey(hold.epoch, step) },
    repeatable: applyOperation.repeatable,
  })
  return readAnswer(applyOperation.result, text, asking.where)
}
