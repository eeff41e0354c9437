/** Options of the command line. */
import { parseArgs } from 'node:util'
import { bearerChars, bearerToken, type Secret } from '../src/ends/web/auth.ts'
import { isOf, points } from './points.ts'
import type { Chosen } from './subject.ts'

export const usage = `npm run conformance -- URL (--bearer-from VAR | --hmac-from VAR) [options]

Tells point by point whether an end over HTTP keeps the protocol of docs/http.md.

  URL                where the end is mounted, e.g. https://app.example/rehome
  --bearer-from VAR  the environment variable with its secret
  --hmac-from VAR    the same, to sign requests with
  --tenant ID        a tenant with rows. It is only read
  --scratch ID       a tenant without rows and without a flag, which will never be one. Its flag goes
                     through all modes; copies of rows of --tenant are written and removed
  --scope NAME       which the end guards. Default: default
  --only NAME        a point, or points that begin so (batches), and those that they need; repeatable
  --json             one JSON object instead of lines

Exit code 0: nothing failed. 1: something did. 2: wrong arguments, no answer at URL, or --scratch
is somebody. 3: nothing failed, but points were not tried for want of a table, rows or an option.
`

export interface Options extends Chosen {
  readonly only: readonly string[]
  readonly json: boolean
}

/** Throws an Error of one line where they are wrong. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'bearer-from': { type: 'string' },
      'hmac-from': { type: 'string' },
      tenant: { type: 'string' },
      scratch: { type: 'string' },
      scope: { type: 'string', default: 'default' },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  })
  const [url, ...more] = positionals
  if (url === undefined || more.length > 0) throw new Error('one URL is expected')
  const { 'bearer-from': bearerFrom, 'hmac-from': hmacFrom } = values
  const { tenant = null, scratch = null, scope, only, json } = values
  const unknown = only.find((one) => !points.some(({ name }) => isOf(name, one)))
  if (unknown !== undefined) throw new Error(`there is no point "${unknown}"`)
  const secret = secretOf({ bearerFrom, hmacFrom }, environment)
  return { baseUrl: baseUrlOf(url), secret, tenant, scratch, scope, only, json }
}

interface From {
  readonly bearerFrom: string | undefined
  readonly hmacFrom: string | undefined
}

function secretOf({ bearerFrom, hmacFrom }: From, environment: NodeJS.ProcessEnv): Secret {
  if ((bearerFrom === undefined) === (hmacFrom === undefined)) {
    throw new Error('either --bearer-from or --hmac-from is expected')
  }
  const variable = bearerFrom ?? hmacFrom ?? ''
  const text = environment[variable]
  if (!text) throw new Error(`${variable} is not set`)
  if (hmacFrom !== undefined) return { kind: 'hmac', key: text }
  if (bearerToken.test(text)) return { kind: 'bearer', token: text }
  throw new Error(
    `${variable} holds a text that cannot be a bearer token; a token has ${bearerChars}`,
  )
}

/** Ends in a slash, so that paths go below it. */
export function baseUrlOf(text: string): URL {
  if (!URL.canParse(text)) throw new Error(`"${text}" is no URL`)
  const url = new URL(text)
  if (!/^https?:$/.test(url.protocol)) throw new Error(`the URL begins with ${url.protocol}`)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/`
  return url
}
