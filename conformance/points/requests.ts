/** Points on the form of requests, and on the answers to malformed ones. */
import { gzipSync } from 'node:zlib'
import { pathOf } from '../../src/ends/http/protocol/operations.ts'
import { problem, problemType } from '../../src/ends/web/problem.ts'
import { expectSame, expectThat, type Point, Skipped } from '../point.ts'
import { expectRefused, type Subject, told } from '../subject.ts'

const answer = pathOf('answer')
const largeBytes = 100 * 1024 * 1024

export const requestPoints: readonly Point[] = [
  {
    name: 'requests.answer',
    says: 'the end answers that it is there',
    needs: ['auth.right'],
    check: async (end) => expectSame(await end.ask('answer', {}), null, 'answer'),
  },
  {
    name: 'requests.path',
    says: 'what is nothing of the protocol is 404, another method 405',
    needs: ['auth.right'],
    async check(end) {
      expectRefused(await end.send({ path: 'v1/flags/no-such', body: '{}' }), 'no-such')
      expectRefused(await end.send({ path: 'v2', body: '{}' }), 'v2')
      expectRefused(await end.send({ method: 'GET', path: answer }), `GET ${answer}`)
      expectRefused(await end.send({ path: 'v1', body: '{}' }), 'POST v1')
    },
  },
  {
    name: 'requests.form',
    says: 'what is no JSON, lacks a field or has another kind in it is refused',
    needs: ['auth.right'],
    async check(end) {
      const { scope } = end
      const name = pathOf('readFlag')
      for (const body of ['', '{', '[]', '"x"', 'null', '{}']) {
        expectRefused(await end.send({ path: name, body }), `${name} of ${body || 'nothing'}`)
      }
      const wrong = [
        { scope },
        { scope, tenant: 1 },
        { scope, tenant: '' },
        { scope, tenant: null },
      ]
      for (const body of wrong) expectRefused(await end.post('readFlag', body), 'readFlag')
      const renew = { scope, tenant: 'x', token: 'no uuid', leaseMs: 1 }
      expectRefused(await end.post('renewLease', renew), 'a token that is none')
    },
  },
  {
    name: 'requests.more',
    says: 'fields that the end does not know do no harm',
    needs: ['auth.right'],
    check: async (end) => {
      const { status } = await end.post('answer', { later: true })
      expectSame(status, 200, 'status')
    },
  },
  {
    name: 'requests.scope',
    says: 'another scope is refused',
    needs: ['auth.right'],
    async check(end) {
      const body = { scope: `${end.scope}-not`.slice(-64), tenant: 'x' }
      expectRefused(await end.post('readFlag', body), 'readFlag')
    },
  },
  {
    name: 'requests.names',
    says: 'tables, columns, sequences and types that the end does not list are refused',
    needs: ['description.valid'],
    check: unknownNames,
  },
  {
    name: 'requests.large',
    says: 'a body that unpacks to 100 MiB is refused, and the end answers afterwards',
    needs: ['auth.right'],
    async check(end) {
      const body = gzipSync(Buffer.alloc(largeBytes, ' '), { level: 1 })
      const headers = { 'content-encoding': 'gzip' }
      expectRefused(await end.send({ path: answer, body, headers }), '100 MiB')
      await end.ask('answer', {})
    },
  },
  {
    name: 'requests.problems',
    says: 'a refusal is application/problem+json, with its own status',
    needs: ['auth.right'],
    async check(end) {
      for (const refused of [
        await end.post('readFlag', {}),
        await end.send({ path: answer, body: '{}', authorization: null }),
      ]) {
        const type = String(refused.headers['content-type']).split(';')[0]
        expectSame(type, problemType, 'content-type')
        const found = problem.safeParse(parsed(refused.text))
        expectThat(found.success, () => `no problem of RFC 9457: ${told(refused)}`)
        expectSame(found.data.status, refused.status, 'status of the problem')
      }
    },
  },
  {
    name: 'gzip.request',
    says: 'packed bodies are understood; what is no gzip, and other packing, is refused',
    needs: ['auth.right'],
    async check(end) {
      const send = (encoding: string, body: Buffer) =>
        end.send({ path: answer, body, headers: { 'content-encoding': encoding } })
      const packed = await send('gzip', gzipSync('{}'))
      expectThat(packed.status === 200, () => `gzip: expected 200, and came ${told(packed)}`)
      expectRefused(await send('gzip', Buffer.from('{}')), 'a body that is no gzip')
      expectRefused(await send('gzip', gzipSync('{}').subarray(0, -4)), 'half a gzip')
      expectRefused(await send('compress', Buffer.from('{}')), 'Content-Encoding: compress')
    },
  },
  {
    name: 'gzip.answer',
    says: 'an answer is packed only for who accepts that, and says the same',
    needs: ['description.valid'],
    async check(end) {
      const ask = (headers: Record<string, string>) =>
        end.send({ method: 'GET', path: 'v1', headers })
      const plain = await ask({ 'accept-encoding': 'identity' })
      expectSame(plain.headers['content-encoding'] ?? 'identity', 'identity', 'content-encoding')
      const packed = await ask({ 'accept-encoding': 'gzip' })
      const encoding = String(packed.headers['content-encoding'] ?? 'identity')
      expectThat(/^(gzip|identity)$/.test(encoding), () => `content-encoding: ${encoding}`)
      expectSame(parsed(packed.text), parsed(plain.text), 'the packed answer')
    },
  },
]

async function unknownNames(end: Subject): Promise<void> {
  const { scope } = end
  const [table] = (await end.describe()).tables
  if (!table) throw new Skipped('there is no table')
  const key = { scope, tenant: 'x' }
  const read = { ...key, table: table.name, cursor: null, limit: 1 }
  const column = table.columns[0]?.name ?? ''
  const hostile = ['no_such', `${table.name}"; --`, "x' or '1'='1"]
  for (const name of hostile) {
    const columns = [{ column: name, cast: null }]
    expectRefused(await end.post('count', { ...key, table: name }), `count of ${name}`)
    expectRefused(await end.post('isEmpty', { table: name }), `isEmpty of ${name}`)
    expectRefused(await end.post('read', { ...read, columns }), `read of column ${name}`)
    expectRefused(await end.post('positionOf', { sequence: name }), `positionOf ${name}`)
  }
  for (const cast of ['text from pg_catalog.pg_class', 'text) --', 'int; select 1']) {
    const columns = [{ column, cast }]
    expectRefused(await end.post('read', { ...read, columns }), `read with cast ${cast}`)
  }
  expectRefused(await end.post('read', { ...read, columns: [] }), 'read of no column')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
