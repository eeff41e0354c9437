/** The rows of an end that is reached over HTTP. */

import { RehomeError } from '../../errors.ts'
import { oneByOne } from '../../parallel.ts'
import type { ColumnRoute } from '../../plan/routing/columns.ts'
import type { Hold } from '../flags.ts'
import type {
  Compared,
  ComparedColumn,
  Digests,
  Page,
  Reading,
  Rows,
  SharedBatch,
  Side,
  TableProgress,
  WipeGroup,
  WipeOptions,
  Writer,
  Writing,
} from '../rows.ts'
import type { KeyList, TenantRows, Texts } from '../tenant-rows.ts'
import { cursorPages } from '../web/cursor-pages.ts'
import { batchWeightMax } from '../weight.ts'
import { type Asking, readAnswer, requestKey } from './asking.ts'
import { joinLines, rowsOfPage } from './lines.ts'
import { catalogOf, description } from './protocol/description.ts'
import { pathOf, type RequestOf } from './protocol/operations.ts'
import { writeOperation } from './protocol/row-operations.ts'

interface Paging {
  readonly pageRows: number
}

export function httpRows(asking: Asking, { pageRows }: Paging): Rows {
  const { ask, transport, where } = asking
  const describe = async () => {
    const text = await transport.ask({ method: 'GET', path: 'v1', repeatable: true })
    return catalogOf(readAnswer(description, text, where))
  }
  return {
    batchRows: pageRows,
    takesWhole: true,
    describe,
    stamp: async () => (await describe()).stamp,
    counts: (tables) => oneByOne(tables, (rows) => ask('count', tableOf(rows))),
    drain: ({ tenant, drainMs }) => {
      return ask('drain', { tenant, drainMs }, { timeoutMs: drainMs + 10_000 })
    },
    pages: (reading) => pagesOf(asking, reading, pageRows),
    write: (writing, work) => work(writerTo(asking, writing)),
    async readProgress({ scope, tenant, epoch }) {
      const tables = await ask('readProgress', { scope, tenant, epoch })
      return new Map(tables.map(({ table, ...progress }) => [table, progress]))
    },
    readQuarantined: ({ scope, tenant, epoch }) => ask('readQuarantined', { scope, tenant, epoch }),
    forgetProgress: async (hold) => void (await ask('forgetProgress', holdOnly(hold))),
    wipe: (hold, work) => wipe(asking, hold, work),
    repeatedKeys: (rows, key) => ask('repeatedKeys', { ...tableOf(rows), key: [...key] }),
    async emptyTables(tables) {
      const names = tables.map(({ name }) => name)
      const empty = await oneByOne(names, (table) => ask('isEmpty', { table }))
      return new Set(names.filter((_, i) => empty[i]))
    },
    existingKeys: (lists) =>
      oneByOne(lists, ({ table, key, keys }) => {
        const request = { table: table.name, key: [...key], keys: keys.map((texts) => [...texts]) }
        return ask('existingKeys', request)
      }),
    brokenReferences: (of) => oneByOne(of, (rows) => ask('brokenReferences', tableOf(rows))),
    largestIds: (uses) =>
      oneByOne(uses, async ({ rows, column, descending }) => {
        const id = await ask('largestId', { ...tableOf(rows), column, descending })
        return id === null ? null : BigInt(id)
      }),
    positionsOf: (sequences) =>
      oneByOne(sequences, async (sequence) => BigInt(await ask('positionOf', { sequence }))),
    async advanceSequences(reached) {
      const advanced = await oneByOne(reached, ({ sequence, id }) =>
        ask('advanceSequence', { sequence, id: String(id) }),
      )
      return reached.filter((_, i) => advanced[i]).map(({ sequence }) => sequence)
    },
    newIds: () => noDatabase(where),
    forgetNewIds: () => noDatabase(where),
    readRelations: () => noDatabase(where),
    ask: () => noDatabase(where),
    differingShared: (batch) => ask('differingShared', batchOnly(batch)),
    settleShared: (hold, batch) => ask('settleShared', { ...holdOnly(hold), ...batchOnly(batch) }),
    strays: ({ scope, tenant }) => ask('strays', { scope, tenant }),
    knownTenants: (tenants) => ask('knownTenants', { tenants: [...tenants] }),
  }
}

async function noDatabase(where: string): Promise<never> {
  throw new RehomeError('PREFLIGHT_FAILED', `${where} runs no SQL of the plan`)
}

function tableOf({ scope, tenant, table, keys }: TenantRows) {
  return { scope, tenant, table: table.name, ...(keys && { keys: keysOnly(keys) }) }
}

function keysOnly({ columns, values }: KeyList) {
  return { columns: [...columns], values: values.map((texts) => [...texts]) }
}

function holdOnly({ scope, tenant, token }: Hold): Hold {
  return { scope, tenant, token }
}

function batchOnly({ table, key, columns, compared, rows, takenBack, ...batch }: SharedBatch) {
  return {
    ...batch,
    table: table.name,
    key: [...key],
    columns: [...columns],
    compared: [...compared],
    rows: rows.map((texts) => [...texts]),
    ...(takenBack && { takenBack: [...takenBack] }),
  }
}

function pagesOf(asking: Asking, reading: Reading, limit: number): AsyncIterable<Page> {
  const columns = reading.columns.map(readColumn)
  const ask = async (cursor: string | null) => {
    const body = JSON.stringify({ ...tableOf(reading), columns, cursor, limit })
    const call = { method: 'POST', path: pathOf('read'), body, repeatable: true } as const
    const text = await asking.transport.ask(call)
    return rowsOfPage(text, { columns: columns.length, where: asking.where })
  }
  return cursorPages(reading, ask)
}

export function readColumn({ from, name, castTo }: ColumnRoute) {
  if (from !== null) return { column: from, cast: castTo }
  const message = `column "${name}" is an expression, and the source is not reached as a database`
  throw new RehomeError('PREFLIGHT_FAILED', message)
}

/** A batch is held until it is committed, and sent again as it is if its answer is lost. */
function writerTo(asking: Asking, writing: Writing): Writer {
  const { hold, table, replicate, from, leavingOut, maxBytes = Number.POSITIVE_INFINITY } = writing
  const refuseAbove = (bytes: number) => {
    if (bytes > maxBytes) throw tooLarge(table.name, { maxBytes, where: asking.where })
  }
  let lines: string[] = []
  let characters = 0
  let columns: readonly string[] = []
  let before: TableProgress = from
  return {
    isFull: () => characters > batchWeightMax,
    async write(rows, names) {
      columns = names
      for (const row of rows) {
        const line = JSON.stringify(row)
        lines.push(line)
        characters += line.length
      }
      // Before more than the end takes is held.
      refuseAbove(characters)
    },
    async commit(progress, quarantined = []) {
      const { scope, tenant, token, epoch } = hold
      const leavesOut = leavingOut !== undefined
      const of = { scope, tenant, token, epoch, table: table.name, columns, replicate, leavesOut }
      const head = JSON.stringify({ ...of, from: before, progress, quarantined })
      const body = joinLines([head, ...lines])
      refuseAbove(Buffer.byteLength(body))
      const text = await asking.transport.ask({
        method: 'POST',
        path: pathOf('write'),
        body,
        contentType: 'application/x-ndjson',
        headers: { 'idempotency-key': requestKey(epoch, table.name, before.rowsRead) },
        repeatable: writeOperation.repeatable,
      })
      const { repeated, leftOut = 0 } = readAnswer(writeOperation.result, text, asking.where)
      // The end does not keep how many there were the first time.
      if (leftOut > 0 || (repeated && lines.length > 0)) leavingOut?.tell()
      lines = []
      characters = 0
      before = progress
    },
  }
}

function tooLarge(
  table: string,
  { maxBytes, where }: { readonly maxBytes: number; readonly where: string },
): RehomeError {
  const message = `table "${table}": rows that have to come together have more than ${maxBytes} bytes, the most that ${where} takes in one request: raise its \`maxBytes\``
  return new RehomeError('PREFLIGHT_FAILED', message)
}

async function wipe(
  { ask }: Asking,
  hold: Hold,
  { groups, options }: { groups: readonly WipeGroup[]; options: WipeOptions },
): Promise<number> {
  const { mode, batchRows = 5_000, signal, onBatch } = options
  let total = 0
  for (const { tables, atOnce } of groups) {
    for (;;) {
      signal.throwIfAborted()
      const names = tables.map(({ table }) => table.name)
      const request = { ...holdOnly(hold), mode, tables: names, atOnce, batchRows }
      const rows = await ask('remove', request)
      total += rows
      await onBatch?.(rows)
      if (rows === 0 || atOnce) break
    }
  }
  return total
}

export function httpDigests({ ask }: Asking): Digests {
  const side = (compared: Compared) => sideOf({ ask }, compared)
  return { side, digests: (all) => oneByOne(all, (compared) => side(compared).digest()) }
}

function sideOf({ ask }: Pick<Asking, 'ask'>, compared: Compared): Side {
  const request = comparedRequest(compared)
  return {
    async digest() {
      const { rows, sum } = await ask('digest', request)
      return { rows: BigInt(rows), sum: BigInt(sum) }
    },
    async buckets() {
      const buckets = await ask('buckets', request)
      return new Map(
        buckets.map(({ bucket, rows, sum }) => [bucket, { rows: BigInt(rows), sum: BigInt(sum) }]),
      )
    },
    hashes: async (some) => new Map(await ask('hashes', { ...request, buckets: [...some] })),
  }
}

function comparedRequest({ of, key, columns, hash }: Compared): RequestOf<'digest'> {
  const isGiven = 'given' in of
  return {
    table: of.table.name,
    ...(isGiven
      ? { given: of.given.map((texts: Texts) => [...texts]) }
      : { scope: of.scope, tenant: of.tenant, ...(of.keys && { keys: keysOnly(of.keys) }) }),
    key: key.map(comparedColumn),
    columns: columns.map(comparedColumn),
    hash,
  }
}

function comparedColumn({ from, typeSql, cast }: ComparedColumn) {
  if (from !== null) return { column: from, type: typeSql, cast }
  throw new RehomeError(
    'PREFLIGHT_FAILED',
    'an end over HTTP cannot evaluate an expression of the plan',
  )
}
