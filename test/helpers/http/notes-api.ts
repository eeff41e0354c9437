// An application with an API of its own kind, which knows nothing of rehome: notes as JSON, page by
// page, and a switch that keeps a tenant from writing. It stands on one of a test's databases.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ApiEndpoint, type ApiRow, api } from '../../../src/plan/endpoint.ts'
import type { TestDatabase } from '../database.ts'
import { type ServedEnd, serve } from '../http-end.ts'

export const journal = `
  create table entries (id bigint primary key, account text not null, text text, price numeric(9, 2),
    at timestamptz not null, tags text[], extra jsonb, big bigint, raw bytea, done boolean);
  create table marks (entry_id bigint not null references entries (id), mark text not null,
    account text not null, primary key (entry_id, mark));`

export interface NotesApi extends ServedEnd {
  /** A write of the tenant, through the application. */
  write(account: string): Promise<number>
  readonly closed: ReadonlyMap<string, string | null>
}

export async function serveNotesApi({ pool }: TestDatabase): Promise<NotesApi> {
  const closed = new Map<string, string | null>()
  const isClosed = (account: string) => {
    const until = closed.get(account)
    return closed.has(account) && (until === null || Date.parse(until ?? '') > Date.now())
  }
  const answers: Record<string, (account: string, rest: Asked) => Promise<[number, unknown]>> = {
    async list(account, { query, table }) {
      const after = Number(query.get('after') ?? 0)
      const text = `select to_jsonb(r) || jsonb_build_object('position', r.position) as row from (
          select *, row_number() over (order by 1, 2) as position from ${table}
          where account = $1) r where position > $2 order by position limit $3`
      const limit = Number(query.get('limit'))
      const { rows } = await pool.query(asTexts(text, table), [account, after, limit])
      const more = rows.length === limit ? after + rows.length : null
      return [200, { items: rows.map(({ row }) => row), more }]
    },
    async put(account, { body, table }) {
      const rows = JSON.stringify((body as { items: object[] }).items)
      const key = table === 'marks' ? 'entry_id, mark' : 'id'
      const set = table === 'marks' ? 'account = excluded.account' : 'text = excluded.text'
      await pool.query(
        `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)
         where account = $2 on conflict (${key}) do update set ${set}`,
        [rows, account],
      )
      return [204, null]
    },
    async clear(account, { table }) {
      await pool.query(`delete from ${table} where account = $1`, [account])
      return [204, null]
    },
    async close(account, { body }) {
      const { forMs } = body as { forMs: number | null }
      closed.set(account, forMs === null ? null : new Date(Date.now() + forMs).toISOString())
      return [200, {}]
    },
    async open(account) {
      closed.delete(account)
      return [200, {}]
    },
    async write(account) {
      if (isClosed(account)) return [503, {}]
      await pool.query(`update entries set text = 'written' where account = $1`, [account])
      return [204, null]
    },
  }
  const served = await serve(async (request, response) => {
    const asked = await askedBy(request)
    end(response, await (answers[asked.what]?.(asked.account, asked) ?? [404, null]))
  })
  return {
    ...served,
    closed,
    async write(account) {
      const url = `${served.url}/marks/write?account=${encodeURIComponent(account)}`
      return (await fetch(url, { method: 'POST', body: '{}' })).status
    },
  }
}

interface Asked {
  readonly table: string
  readonly what: string
  readonly account: string
  readonly query: URLSearchParams
  readonly body: unknown
}

async function askedBy(request: IncomingMessage): Promise<Asked> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api')
  const [what = '', table = ''] = pathname.split('/').reverse()
  let text = ''
  for await (const chunk of request) text += chunk
  const body: unknown = text === '' ? null : JSON.parse(text)
  return { table, what, account: searchParams.get('account') ?? '', query: searchParams, body }
}

function end(response: ServerResponse, [status, body]: [number, unknown]): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === null ? undefined : JSON.stringify(body))
}

/** Numbers that JSON would round go as texts. */
function asTexts(text: string, table: string): string {
  if (table === 'marks') return text
  return text.replace(
    'to_jsonb(r)',
    `to_jsonb(r) || jsonb_build_object('id', r.id::text,
    'big', r.big::text, 'price', r.price::text, 'raw', r.raw::text, 'at', r.at::text)`,
  )
}

const at = (table: string, what: string, account: string, more = '') =>
  `${table}/${what}?account=${encodeURIComponent(account)}${more}`

function tableAt(name: string, columns: Record<string, string>, key: string[]) {
  return {
    columns,
    key,
    read: ({
      tenant,
      cursor,
      limit,
    }: {
      tenant: string
      cursor: string | null
      limit: number
    }) => ({
      path: at(name, 'list', tenant, `&limit=${limit}${cursor === null ? '' : `&after=${cursor}`}`),
    }),
    rows(answer: unknown) {
      const { items, more } = answer as { items: ApiRow[]; more: number | null }
      return { rows: items, next: more === null ? null : String(more) }
    },
    write: ({ tenant, rows }: { tenant: string; rows: readonly ApiRow[] }) => {
      return { path: at(name, 'put', tenant), body: { items: rows } }
    },
    remove: ({ tenant }: { tenant: string }) => {
      return { method: 'DELETE' as const, path: at(name, 'clear', tenant) }
    },
  }
}

/** The API in a plan. */
export function notesApi({ url }: ServedEnd): ApiEndpoint {
  const entries = {
    ...{ id: 'int8', account: 'text', text: 'text', price: 'numeric(9,2)', at: 'timestamptz' },
    ...{ tags: '_text', extra: 'jsonb', big: 'int8', raw: 'bytea', done: 'bool' },
  }
  const marks = { entry_id: 'int8', mark: 'text', account: 'text' }
  return api({
    baseUrl: url,
    pageRows: 4,
    tables: {
      entries: tableAt('entries', entries, ['id']),
      marks: {
        ...tableAt('marks', marks, ['entry_id', 'mark']),
        references: { entry_id: 'entries' },
      },
    },
    fence: {
      graceMs: 50,
      close: ({ tenant, forMs }) => ({ path: at('marks', 'close', tenant), body: { forMs } }),
      open: ({ tenant }) => ({ path: at('marks', 'open', tenant), body: {} }),
    },
  })
}
