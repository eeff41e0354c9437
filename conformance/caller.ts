/**
 * Single requests, exactly as they are said: nothing is sent again, packed, unpacked or followed
 * unless a point says so, because that is what is looked at.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { gunzipSync } from 'node:zlib'
import { hashOf, headersFor, type Secret } from '../src/ends/web/auth.ts'
import { Broken } from './point.ts'

export interface Sent {
  readonly method?: string
  /** Below the base URL: `v1/rows/read`. */
  readonly path: string
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  /** null: no such header. Absent: a correct signature. */
  readonly authorization?: string | null
  /** The secret for the signature. Default: the right one. */
  readonly signedBy?: Secret
  /** The request and host that the signature is for. Default: this one. */
  readonly signedAs?: Pick<Sent, 'method' | 'path' | 'body'> & { readonly host?: string }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Unpacked. */
  readonly text: string
}

const answerMs = 30_000

/** Throws Broken where there is no answer at all. */
export async function call(baseUrl: URL, secret: Secret, sent: Sent): Promise<Answer> {
  const { path, method = 'POST', headers = {} } = sent
  const body = Buffer.from(sent.body ?? '')
  const shown = shownBy(baseUrl, secret, sent)
  const url = new URL(path, baseUrl)
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return await new Promise<Answer>((resolve, reject) => {
    const outgoing = request(url, {
      method,
      signal: AbortSignal.timeout(answerMs),
      headers: {
        'rehome-end': 'target',
        ...(method === 'POST' && { 'content-type': 'application/json' }),
        ...shown,
        ...headers,
        'content-length': String(body.length),
      },
    })
    const failed = (error: Error) => reject(new Broken(`${path} gave no answer: ${error.message}`))
    outgoing.once('error', failed)
    outgoing.once('response', async (incoming) => {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
        const bytes = Buffer.concat(chunks)
        const isPacked = incoming.headers['content-encoding'] === 'gzip'
        const text = (isPacked ? gunzipSync(bytes) : bytes).toString()
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
      } catch (error) {
        failed(error as Error)
      }
    })
    outgoing.end(body)
  })
}

function shownBy(baseUrl: URL, secret: Secret, sent: Sent): Record<string, string> {
  const { authorization, signedBy = secret, signedAs = sent } = sent
  if (authorization === null) return {}
  if (authorization !== undefined) return { authorization }
  const { host, pathname, search } = new URL(signedAs.path, baseUrl)
  return headersFor(signedBy, {
    method: signedAs.method ?? 'POST',
    host: ('host' in signedAs && signedAs.host) || host,
    target: `${pathname}${search}`,
    bodyHash: hashOf(Buffer.from(signedAs.body ?? '')),
  })
}
