/** Lets a request in: who asks, for what, with which body. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { isAuthorized, mayBeAuthorized, type Secret } from '../endpoints/http/auth.ts'
import { RehomeError } from '../errors.ts'

export interface Admitted {
  /** Of the protocol: `v1/rows/read`. */
  readonly path: string
  /** Unpacked. */
  readonly body: string
}

interface Conditions {
  readonly secrets: readonly Secret[]
  readonly maxBytes: number
}

/** Where the end is mounted is the application's choice. */
const protocolPath = /(?:^|\/)(v1(?:\/(?:flags|rows|feed)\/[a-z-]+)?)\/?$/
const gunzipped = promisify(gunzip)

export class Refusal extends RehomeError {
  readonly status: number

  constructor(status: number, message: string) {
    super(status === 401 ? 'ACCESS_DENIED' : 'USAGE', message)
    this.status = status
  }
}

const wrongSecret = 'the secret is wrong, or the signature is not of this request and hour'

/** Throws a Refusal. Nothing is read of a request that shows no secret. */
export async function admit(
  request: Request,
  { secrets, maxBytes }: Conditions,
): Promise<Admitted> {
  const { method, headers, url } = request
  if (!headers.has('authorization')) throw new Refusal(401, 'the request shows no secret')
  if (!mayBeAuthorized(secrets, headers)) throw new Refusal(401, wrongSecret)
  const path = protocolPath.exec(new URL(url).pathname)?.[1]
  const bytes = await bodyOf(request, maxBytes)
  if (!isAuthorized(secrets, headers, { method, path: `/${path ?? ''}`, body: bytes })) {
    throw new Refusal(401, wrongSecret)
  }
  if (path === undefined) throw new Refusal(404, 'there is nothing of the protocol at this path')
  if (method !== (path === 'v1' ? 'GET' : 'POST')) {
    throw new Refusal(405, `${path} is not asked for with ${method}`)
  }
  return { path, body: (await unpacked(bytes, headers, maxBytes)).toString() }
}

async function bodyOf({ body }: Request, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function unpacked(bytes: Buffer, headers: Headers, maxBytes: number): Promise<Buffer> {
  const encoding = headers.get('content-encoding')
  if (encoding === null) return bytes
  if (encoding !== 'gzip') throw new Refusal(415, `content-encoding ${encoding} is not known here`)
  try {
    return await gunzipped(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(maxBytes)
    throw new Refusal(400, 'the body is no gzip')
  }
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `the body has more than ${maxBytes} bytes`)
}
