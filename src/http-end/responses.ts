/** Responses: JSON, lines of JSON, or a problem. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { problemOf, problemType } from '../ends/web/problem.ts'
import type { RehomeError } from '../errors.ts'
import { Refusal } from './admit.ts'

const gzipped = promisify(gzip)
const packedBytesMin = 1_024

export async function respond(request: Request, body: string): Promise<Response> {
  const lines = body.endsWith('\n')
  const headers = {
    'content-type': lines ? 'application/x-ndjson' : 'application/json',
    'cache-control': 'no-store',
  }
  const packs = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
  if (!packs || body.length < packedBytesMin) return new Response(body, { headers })
  const bytes = await gzipped(body, { level: 1 })
  return new Response(new Uint8Array(bytes), {
    headers: { ...headers, 'content-encoding': 'gzip' },
  })
}

export function problemResponse(error: RehomeError): Response {
  const problem = problemOf(error)
  const status = error instanceof Refusal ? error.status : problem.status
  const headers = {
    'content-type': problemType,
    'cache-control': 'no-store',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  }
  return new Response(JSON.stringify({ ...problem, status }), { status, headers })
}
