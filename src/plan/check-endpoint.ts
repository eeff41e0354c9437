/** The rules of a plan's two ends. Pure. */
import { z } from 'zod'
import { nameMaxBytes } from '../place.ts'

export const noNul = (text: string) => !text.includes('\0')
const isWhole = (text: string) => Buffer.byteLength(text) <= nameMaxBytes
export const name = z
  .string()
  .min(1)
  .refine(isWhole, `has more than ${nameMaxBytes} bytes`)
  .refine(noNul, 'has a NUL character')
const variable = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'has to be the name of an environment variable, not the URL itself',
  )

export const fn = z.custom<(...args: never[]) => unknown>(
  (v) => typeof v === 'function',
  'has to be a function',
)

const sqlEndpoint = z.strictObject({
  kind: z.literal('sql'),
  urlFrom: variable.optional(),
  url: fn.optional(),
  among: z.strictObject({ nameOf: fn, ends: z.record(z.string(), z.unknown()) }).optional(),
  databases: z.int().min(1).max(10_000),
  schema: z.union([name, fn], 'has to be a name, or a function that names the schema of a tenant'),
  poolSize: z.int().min(2).max(200),
  tls: z.enum(['off', 'require', 'verify']),
})

const auth = z.union([
  z.strictObject({ bearerFrom: variable }),
  z.strictObject({ hmacFrom: variable }),
])

const overHttp = {
  baseUrl: z.url({ protocol: /^https?$/, error: 'has to be a URL' }).optional(),
  urlFrom: variable.optional(),
  concurrency: z.int().min(1).max(200),
  requestsPerS: z.number().min(0).max(100_000),
  timeoutMs: z.int().min(100).max(600_000),
  maxBytes: z
    .int()
    .min(65_536)
    .max(2 ** 30),
  pageRows: z.int().min(1).max(100_000),
  tls: z.strictObject({
    mode: z.enum(['verify', 'off']),
    caFrom: variable.optional(),
    certFrom: variable.optional(),
    keyFrom: variable.optional(),
  }),
}

const httpEndpoint = z.strictObject({ kind: z.literal('http'), auth, ...overHttp })

const apiEndpoint = z.strictObject({
  kind: z.literal('api'),
  auth: auth.optional(),
  ...overHttp,
  fence: z.strictObject({ close: fn, open: fn, graceMs: z.int().min(0).max(600_000).optional() }),
  tables: z.record(
    name,
    z.strictObject({
      columns: z.record(
        name,
        z.string().regex(/^_?[a-z][a-z0-9_]*(\(\d+(,\d+)?\))?(\[\])?$/, 'has to be a type'),
      ),
      key: z.union([name, z.array(name).min(1)]),
      references: z.record(name, name).optional(),
      read: fn,
      rows: fn,
      write: fn.optional(),
      remove: fn.optional(),
    }),
  ),
})

/** Ends of the plan by their names: those of tenants that are not all at the same one. */
export const namedEnds = z.record(
  z.string().regex(/^[A-Za-z0-9_.-]{1,63}$/, 'has to be 1 to 63 letters, digits, "-", "_" or "."'),
  z.lazy(() => endpoint),
)

export const endpoint = z.discriminatedUnion('kind', [sqlEndpoint, httpEndpoint, apiEndpoint])
