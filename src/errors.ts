/**
 * The one error class, and every code it can carry.
 *
 * A code says what happened in a word that never changes; the message says it for this case:
 * fact, quoted object, number with unit, next command. `retryable` is what the worker goes by:
 * an error that may pass is tried again with backoff, one that will not fails the move at once.
 * docs/errors.md explains each code; a test keeps the two lists equal.
 */
export const errorCodes = {
  PLAN_INVALID: { retryable: false, exitCode: 2 },
  PLAN_UNREADABLE: { retryable: false, exitCode: 2 },
  PLAN_CHANGED: { retryable: false, exitCode: 2 },
  USAGE: { retryable: false, exitCode: 2 },
  SETTING_MISSING: { retryable: false, exitCode: 2 },
  RUN_UNKNOWN: { retryable: false, exitCode: 2 },
  TENANT_UNKNOWN: { retryable: false, exitCode: 2 },
  TENANT_ID_INVALID: { retryable: false, exitCode: 2 },
  TENANT_BUSY: { retryable: false, exitCode: 3 },
  NOT_ALLOWED_NOW: { retryable: false, exitCode: 3 },
  PREFLIGHT_FAILED: { retryable: false, exitCode: 3 },
  NOT_INSTALLED: { retryable: false, exitCode: 3 },
  TARGET_NOT_EMPTY: { retryable: false, exitCode: 3 },
  ID_COLLISION: { retryable: false, exitCode: 3 },
  KEY_NOT_UNIQUE: { retryable: false, exitCode: 3 },
  ROW_REJECTED: { retryable: false, exitCode: 3 },
  TRANSFORM_FAILED: { retryable: false, exitCode: 3 },
  ROWS_DIFFER: { retryable: false, exitCode: 4 },
  FOREIGN_KEY_BROKEN: { retryable: false, exitCode: 4 },
  SCHEMA_CHANGED: { retryable: true, exitCode: 4 },
  WRITES_WOULD_BE_LOST: { retryable: false, exitCode: 5 },
  NOT_MOVED: { retryable: false, exitCode: 3 },
  FENCE_HELD: { retryable: true, exitCode: 3 },
  FENCE_LOST: { retryable: true, exitCode: 1 },
  MOVE_TAKEN_OVER: { retryable: true, exitCode: 1 },
  DRAIN_TIMEOUT: { retryable: true, exitCode: 1 },
  PAUSE_OVER_BUDGET: { retryable: true, exitCode: 1 },
  STOPPED: { retryable: true, exitCode: 1 },
  UNREACHABLE: { retryable: true, exitCode: 6 },
  ACCESS_DENIED: { retryable: false, exitCode: 6 },
  DATABASE_ERROR: { retryable: false, exitCode: 1 },
  UNEXPECTED: { retryable: false, exitCode: 1 },
} as const satisfies Record<string, { retryable: boolean; exitCode: number }>

export type ErrorCode = keyof typeof errorCodes

export interface ErrorDetails {
  tenant?: string
  phase?: string
  /** Overrides what the code says, e.g. for a database error that may pass. */
  retryable?: boolean
  cause?: unknown
  /** What a program may want beside the message; stored with the move, so never a secret. */
  data?: Readonly<Record<string, unknown>>
}

/** What rehome throws wherever a caller is expected to act on it. */
export class RehomeError extends Error {
  override readonly name = 'RehomeError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly tenant: string | undefined
  readonly phase: string | undefined
  readonly data: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? errorCodes[code].retryable
    this.tenant = details.tenant
    this.phase = details.phase
    this.data = details.data ?? {}
  }

  get exitCode(): number {
    return errorCodes[this.code].exitCode
  }
}

/** Passwords in URLs and in `password=` pairs are replaced; applied to every text that leaves us. */
export function redact(text: string): string {
  return text
    .replace(/(\w+:\/\/[^\s:/@]*):[^\s/]*@(?=[^\s@]*(?:[\s/?]|$))/g, '$1:***@')
    .replace(/\b(password|passwd|pwd|token|secret)(["']?\s*[=:]\s*["']?)[^\s"',;&)]+/gi, '$1$2***')
}

/** NUL bytes end a text in PostgreSQL's protocol and in jsonb; they are shown instead of sent. */
export function storable(text: string): string {
  return redact(text).replaceAll('\u0000', '\\u0000')
}

/** One line without secrets, for people. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ')
  }
  const text = error instanceof Error ? error.message || error.name : String(error)
  return storable(text).replace(/\s*\n\s*/g, ' ')
}
