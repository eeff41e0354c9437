/** Where an end over HTTP is, and the two transports to it: for rows, and for flags. */
import { RehomeError } from '../../errors.ts'
import type { ApiEndpoint, HttpEndpoint } from '../../plan/endpoint.ts'
import { bearerChars, bearerToken, type Secret } from './auth.ts'
import { createTransport, type Transport } from './transport.ts'

type Reachable = HttpEndpoint | ApiEndpoint

export interface Reached {
  /** `https://host:port/path`. */
  readonly place: string
  /** For errors. */
  readonly where: string
  readonly forRows: Transport
  /** Never kept waiting by copies, nor for longer than 2 s by an end that does not answer. */
  readonly forFlags: Transport
}

/** Throws SETTING_MISSING or PLAN_INVALID. Connects later. */
export function reachEnd(
  name: 'source' | 'target',
  end: Reachable,
  environment: NodeJS.ProcessEnv,
): Reached {
  const setting = settingsOf(name, environment)
  const baseUrl = baseUrlOf(name, end, setting)
  const place = `${baseUrl.origin}${baseUrl.pathname.replace(/\/$/, '')}`
  const where = `the ${name} (${place})`
  const { caFrom, certFrom, keyFrom } = end.tls
  const common = {
    end: name,
    where,
    baseUrl,
    secret: secretOf(end, setting),
    maxBytes: end.maxBytes,
    // Existing APIs may not accept packed requests.
    packs: end.kind === 'http',
    tls: {
      ...(caFrom && { ca: setting(caFrom) }),
      ...(certFrom && { cert: setting(certFrom) }),
      ...(keyFrom && { key: setting(keyFrom) }),
    },
  }
  const { concurrency, requestsPerS, timeoutMs } = end
  const limits = { concurrency, requestsPerS, timeoutMs }
  const forRows = createTransport({ ...common, ...limits, name, ends: true })
  const lifeline = { concurrency: 4, requestsPerS: 0, timeoutMs: 2_000 }
  const forFlags = createTransport({ ...common, ...lifeline, name: `${name} flags`, ends: false })
  return { place, where, forRows, forFlags }
}

type Setting = (variable: string) => string

function settingsOf(name: string, environment: NodeJS.ProcessEnv): Setting {
  return (variable) => {
    const value = environment[variable]
    if (value) return value
    const message = `a setting of the ${name} is read from ${variable}, which is not set`
    throw new RehomeError('SETTING_MISSING', message)
  }
}

function secretOf({ auth }: Reachable, setting: Setting): Secret | null {
  if (!auth) return null
  if ('bearerFrom' in auth) {
    const token = setting(auth.bearerFrom)
    if (bearerToken.test(token)) return { kind: 'bearer', token }
    const message = `${auth.bearerFrom} holds a text that cannot be a bearer token; a token has ${bearerChars}`
    throw new RehomeError('PLAN_INVALID', message)
  }
  return { kind: 'hmac', key: setting(auth.hmacFrom) }
}

const ownMachine = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Ends in a slash, so that paths go below it. */
function baseUrlOf(name: string, end: Reachable, setting: Setting): URL {
  const text = end.baseUrl ?? setting(end.urlFrom ?? '')
  const invalid = (what: string) => new RehomeError('PLAN_INVALID', `the ${name}'s URL ${what}`)
  if (!URL.canParse(text)) throw invalid('is none')
  const url = new URL(text)
  if (!/^https?:$/.test(url.protocol)) throw invalid(`begins with ${url.protocol}`)
  if (url.username || url.password || url.search || url.hash) {
    throw invalid('has more than a host and a path: put secrets into `auth`')
  }
  if (url.protocol === 'http:' && end.tls.mode !== 'off' && !ownMachine.test(url.hostname)) {
    throw invalid(
      "is plain http:, which reveals the secret: use https:, or set `tls: { mode: 'off' }`",
    )
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/`
  return url
}
