/** Lets a request in: who asks, for what, with which body. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Secret, type Shown, shownBy } from '../ends/web/auth.ts'
import { RehomeError } from '../errors.ts'

export interface Admitted {
  /** The path within the protocol: `v1/rows/read`. */
  readonly path: string
  /** Unpacked. */
  readonly body: string
}

interface Conditions {
  readonly secrets: readonly Secret[]
  readonly maxBytes: number
  /** Where workers reach the end, if something in between changes Host or path. */
  readonly baseUrl?: URL | undefined
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

const wrongSecret = 'the secret is wrong, or the signature does not match this request and time'

/** Throws a Refusal. Nothing is read of the body of a request that shows no secret. */
export async function admit(request: Request, conditions: Conditions): Promise<Admitted> {
  const { secrets, maxBytes } = conditions
  const { method, headers, url } = request
  if (!headers.has('authorization')) throw new Refusal(401, 'the request has no secret')
  const path = protocolPath.exec(new URL(url).pathname)?.[1]
  const shown = shownBy(secrets, headers, { method, ...addressOf(request, path, conditions) })
  if (shown.kind === 'nothing') throw new Refusal(401, wrongSecret)
  if (path === undefined) throw new Refusal(404, 'the protocol has no operation at this path')
  if (method !== (path === 'v1' ? 'GET' : 'POST')) {
    throw new Refusal(405, `${path} is not asked for with ${method}`)
  }
  if (Number(headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  const bytes = await bodyOf(request, shown, maxBytes)
  return { path, body: (await unpacked(bytes, headers, maxBytes)).toString() }
}

/** The address that the caller has signed. */
function addressOf(
  { headers, url }: Request,
  path: string | undefined,
  { baseUrl }: Conditions,
): { host: string; target: string } {
  const { host, pathname, search } = new URL(url)
  if (!baseUrl) return { host: headers.get('host') ?? host, target: `${pathname}${search}` }
  const mount = baseUrl.pathname.replace(/\/+$/, '')
  return { host: baseUrl.host, target: `${mount}/${path ?? ''}${search}` }
}

/** Hashed while it is read. */
async function bodyOf({ body }: Request, shown: Shown, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    hash.update(chunk)
    chunks.push(chunk)
  }
  // The signature was right, so this is no secret.
  if (shown.kind === 'hmac' && hash.digest('hex') !== shown.bodyHash) {
    throw new Refusal(401, wrongSecret)
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
