// The worker's half of an end over HTTP alone: a server answers whatever a test says.
import { randomUUID } from 'node:crypto'
import { digestsOf, type End } from '../../../src/ends/end.ts'
import { openHttpEnd } from '../../../src/ends/http/http-end.ts'
import { type HttpEndpoint, http } from '../../../src/plan/endpoint.ts'
import { tableOf } from '../catalog.ts'
import { secret, serve } from '../http-end.ts'
import { type Answer, operationOf } from './http-trouble.ts'

type Answering = (operation: string) => Answer | Promise<Answer>

/** The source of a plan, and the server behind it. */
export async function answeredBy(
  answering: Answering,
  changes: Partial<HttpEndpoint> = {},
): Promise<{ end: End } & AsyncDisposable> {
  const served = await serve(async (request, response) => {
    const { status, headers, body } = await answering(operationOf(request))
    response.writeHead(status, { ...headers }).end(body)
  })
  const auth = { bearerFrom: 'END_SECRET' }
  const endpoint = http({ baseUrl: served.url, auth, ...changes })
  const end = openHttpEnd('source', endpoint, { END_SECRET: secret })
  return {
    end,
    async [Symbol.asyncDispose]() {
      await end.close()
      await served[Symbol.asyncDispose]()
    },
  }
}

const key = { scope: 'default', tenant: 'acme' }
const notes = tableOf('notes', { columns: { id: 'int8 key', tenant_id: 'text', body: 'text' } })
const rows = { ...key, table: notes, path: { kind: 'column', column: 'tenant_id' } } as const
const columns = ['id', 'tenant_id', 'body'].map((name) => ({
  ...{ name, from: name, expression: `r.${name}` },
  ...{ typeName: 'text', castTo: null },
}))
const { signal } = new AbortController()

/** How each operation is asked for. */
export const asking = {
  async 'rows/read'({ rows: { pages } }: End) {
    const reading = { ...rows, key: ['id'], columns, after: { rowsRead: 0, cursor: null }, signal }
    for await (const _page of pages(reading));
  },
  'rows/digest': (end: End) =>
    digestsOf(end).side({ of: rows, key: [], columns: [], hash: 'md5' }).digest(),
  'rows/count': async (end: End) => (await end.rows.counts([rows]))[0],
  'rows/drain': (end: End) => end.rows.drain({ tenant: 'acme', drainMs: 1, signal }),
  'flags/take-turn': (end: End) => end.flags.takeTurn({ ...key, token: randomUUID(), turn: '1' }),
  'flags/mark-moved': (end: End) =>
    end.flags.markMoved({ ...key, token: randomUUID(), movedTo: 'there' }),
} as const satisfies Readonly<Record<string, (end: End) => Promise<unknown>>>

export type AskedFor = keyof typeof asking
