/** pino, with secrets taken out of everything that is written. */
import { type DestinationStream, type Logger, pino } from 'pino'
import { messageOf, RehomeError, redact } from './errors.ts'

export type { Logger }

export interface LogOptions {
  /** Default: LOG_LEVEL, else `info`. */
  readonly level?: string
  readonly destination?: DestinationStream
}

/**
 * One child a run, tenant and phase is made from it. Writes JSON lines to standard error. Throws
 * USAGE where LOG_LEVEL is no level.
 */
export function createLog(options: LogOptions = {}): Logger {
  const level = options.level ?? levelOf(process.env.LOG_LEVEL)
  const serializers = { err: describeError, error: describeError }
  const destination = options.destination ?? pino.destination(2)
  const write = (line: string) => void destination.write(withoutSecrets(line))
  return pino({ name: 'rehome', level, serializers }, { write })
}

const secretKey =
  /(url|pass|passw(or)?d|private_?key|passphrase|pwd|secret|token|authorization|cookie|connection_?string|api_?key)$/i

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Throws USAGE. */
function levelOf(text: string | undefined): string {
  if (text === undefined || text === '') return 'info'
  if (levels.includes(text)) return text
  throw new RehomeError('USAGE', `LOG_LEVEL is "${text}": it is one of ${levels.join(', ')}`)
}

/** The finished line is looked through, so that it does not matter how a value got into it. */
function withoutSecrets(line: string): string {
  const hide = (key: string, value: unknown) => {
    if (secretKey.test(key) && value !== null && value !== '') return '***'
    return typeof value === 'string' ? redact(value) : value
  }
  return `${JSON.stringify(JSON.parse(line, hide))}\n`
}

const causesMax = 5

/** Fields that a driver adds are left out: they may hold a tenant's row. */
function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: messageOf(error) }
  const { name, stack, cause } = error
  const code = 'code' in error ? { code: error.code } : {}
  const because =
    cause === undefined || depth >= causesMax ? {} : { cause: describeError(cause, depth + 1) }
  const base = { name, message: messageOf(error), ...code, stack, ...because }
  if (!(error instanceof RehomeError)) return base
  const { retryable, tenant, phase } = error
  return { ...base, retryable, tenant, phase }
}

/** For errors that come back many times a second: each text once in `everyMs`. */
export function sparsely(log: Logger, message: string, everyMs = 10_000): (error: Error) => void {
  const repetitions = new Map<string, number>()
  return (error) => {
    const text = messageOf(error)
    const before = repetitions.get(text)
    if (before !== undefined && performance.now() - before < everyMs) return
    if (repetitions.size > 100) repetitions.clear()
    repetitions.set(text, performance.now())
    log.warn({ err: error }, message)
  }
}
