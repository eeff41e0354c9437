/** pino, with secrets taken out of everything that is written. */
import { type DestinationStream, type Logger, pino } from 'pino'
import { messageOf, RehomeError, redact } from './errors.ts'

export type { Logger }

export interface LogOptions {
  /** Default: LOG_LEVEL, else `info`. */
  readonly level?: string
  readonly destination?: DestinationStream
}

const secretKeys = ['url', 'password', 'token', 'authorization', 'cookie', 'connectionString']

/** One child a run, tenant and phase is made from it. Writes JSON lines to standard error. */
export function createLog(options: LogOptions = {}): Logger {
  const level = options.level ?? process.env.LOG_LEVEL ?? 'info'
  const settings = {
    name: 'rehome',
    level,
    redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`]), censor: '***' },
    serializers: { err: describeError, error: describeError },
    hooks: {
      logMethod(this: Logger, args: Parameters<Logger['info']>, method: Logger['info']) {
        method.apply(this, args.map(redactValue) as typeof args)
      },
    },
  }
  return pino(settings, options.destination ?? pino.destination(2))
}

function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (value === null || typeof value !== 'object' || value instanceof Error) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [key, typeof v === 'string' ? redact(v) : v]),
  )
}

function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: messageOf(error) }
  const stack = error.stack === undefined ? {} : { stack: redact(error.stack) }
  const base = { name: error.name, message: messageOf(error), ...stack }
  if (!(error instanceof RehomeError)) return base
  const { code, retryable, tenant, phase } = error
  return { ...base, code, retryable, tenant, phase }
}
