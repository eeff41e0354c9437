/** The rows of an existing API, by the plan's own requests. */

import { sleep } from '../../clock.ts'
import { RehomeError } from '../../errors.ts'
import { oneByOne } from '../../parallel.ts'
import type { ApiEndpoint, ApiRequest, ApiTable } from '../../plan/endpoint.ts'
import type { Page, Reading, Rows, WipeGroup, Writer, Writing } from '../rows.ts'
import type { TenantRows, Texts } from '../tenant-rows.ts'
import { cursorPages } from '../web/cursor-pages.ts'
import type { Asked, Transport } from '../web/transport.ts'
import { batchWeightMax, weightOf } from '../weight.ts'
import { catalogOfApi } from './api-catalog.ts'
import { readJson, rowOf, textsOf } from './api-values.ts'

export interface Api {
  readonly end: ApiEndpoint
  readonly transport: Transport
  readonly place: string
  readonly where: string
}

const graceMsDefault = 5_000

export function apiRows(api: Api): Rows {
  const { end, place, where } = api
  const unable = (what: string) => async (): Promise<never> => {
    throw new RehomeError('PREFLIGHT_FAILED', `${where} cannot ${what}`)
  }
  return {
    batchRows: end.pageRows,
    describe: async () => catalogOfApi(end, place),
    stamp: async () => undefined,
    counts: (tables) => oneByOne(tables, (rows) => countRows(api, rows)),
    async drain({ drainMs, signal }) {
      // Active writers cannot be seen: it waits as long as they take by the plan.
      const waitedMs = Math.min(end.fence.graceMs ?? graceMsDefault, drainMs)
      await sleep(waitedMs, signal)
      return { waitedMs }
    },
    pages: (reading) => pagesOf(api, reading),
    write: (writing, work) => work(writerTo(api, writing)),
    // What came is not counted there: it comes again, and replaces itself.
    readProgress: async () => new Map(),
    readQuarantined: async () => [],
    forgetProgress: async () => {},
    wipe: (hold, { groups }) => removeAll(api, hold.tenant, groups),
    repeatedKeys: async () => [],
    emptyTables: async (tables) => new Set(tables.map(({ name }) => name)),
    existingKeys: async (lists) => lists.map(() => []),
    brokenReferences: async (of) => of.map(() => []),
    largestIds: async (uses) => uses.map(() => null),
    positionsOf: async (sequences) => {
      return sequences.length === 0 ? [] : await unable('tell where a sequence stands')()
    },
    advanceSequences: async () => [],
    newIds: unable('run SQL of the plan'),
    forgetNewIds: unable('run SQL of the plan'),
    readRelations: unable('run SQL of the plan'),
    ask: unable('run SQL of the plan'),
    differingShared: unable('compare rows of everybody'),
    settleShared: unable('take rows of everybody'),
    strays: async () => [],
    knownTenants: async (tenants) => tenants.map((tenant) => ({ tenant, hasRows: true })),
  }
}

/** The whole answer, as JSON. */
export async function askApi({ transport, where }: Api, request: ApiRequest): Promise<unknown> {
  const { path, headers, body } = request
  const call: Asked = {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    path: path.replace(/^\/+/, ''),
    // All that the plan's functions ask for may be asked for twice: see docs/http.md.
    repeatable: true,
    ...(headers && { headers }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }
  return readJson(await transport.ask(call), where)
}

function tableOf({ end, where }: Api, name: string): ApiTable {
  const table = end.tables[name]
  if (table) return table
  throw new RehomeError('PREFLIGHT_FAILED', `${where} has no table "${name}"`)
}

async function countRows(api: Api, rows: TenantRows): Promise<number> {
  let count = 0
  const reading = {
    ...rows,
    key: [],
    columns: [],
    after: { rowsRead: 0, cursor: null },
    signal: new AbortController().signal,
  }
  for await (const page of pagesOf(api, reading)) count += page.rows.length
  return count
}

function pagesOf(api: Api, reading: Reading): AsyncIterable<Page> {
  const { name } = reading.table
  const table = tableOf(api, name)
  const columns = reading.columns.map(({ from }) => from ?? '')
  const ask = async (cursor: string | null) => {
    const { tenant } = reading
    const limit = api.end.pageRows
    const { rows, next = null } = table.rows(
      await askApi(api, table.read({ tenant, cursor, limit })),
    )
    const named = { ...table, name, where: api.where }
    return { rows: rows.map((row) => textsOf(row, columns, named)), next }
  }
  return cursorPages(reading, ask)
}

function writerTo(api: Api, { hold, table: { name } }: Writing): Writer {
  const { columns: types, write } = tableOf(api, name)
  let held: Record<string, unknown>[] = []
  let weight = 0
  return {
    isFull: () => weight > batchWeightMax,
    async write(rows: readonly Texts[], columns) {
      for (const row of rows) {
        held.push(rowOf(row, columns, types))
        weight += weightOf(row)
      }
    },
    async commit(_, quarantined = []) {
      if (quarantined.length > 0) {
        const message = `${api.where} has no place for rows that stay behind: leave out \`quarantine\``
        throw new RehomeError('PREFLIGHT_FAILED', message)
      }
      const rows = held
      held = []
      weight = 0
      if (rows.length === 0) return
      if (!write) throw new RehomeError('PREFLIGHT_FAILED', `"${name}" has no \`write\``)
      await askApi(api, write({ tenant: hold.tenant, rows }))
    },
  }
}

async function removeAll(api: Api, tenant: string, groups: readonly WipeGroup[]): Promise<number> {
  for (const { table } of groups.flatMap(({ tables }) => tables)) {
    const { name } = table
    const { remove } = tableOf(api, name)
    if (!remove) {
      throw new RehomeError('PREFLIGHT_FAILED', `"${name}" at ${api.where} has no \`remove\``)
    }
    await askApi(api, remove({ tenant }))
  }
  // Their number is not known.
  return 0
}
