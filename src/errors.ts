/**
 * The one error class, and every code it can carry.
 *
 * A code names what happened in a word that never changes; the message describes this case:
 * fact, quoted object, number with unit, next command. `retryable` decides for the worker:
 * an error that may pass is tried again with backoff, one that will not fails the move at once.
 * docs/errors.md explains each code; a test keeps the two lists equal.
 */
import { inspect } from 'node:util'

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
  ROWS_LEFT_BEHIND: { retryable: false, exitCode: 3 },
  ROWS_NOT_REMOVED: { retryable: false, exitCode: 3 },
  SHARED_ROWS_MISSING: { retryable: false, exitCode: 3 },
  SHARED_ROWS_DIFFER: { retryable: false, exitCode: 3 },
  KEY_NOT_UNIQUE: { retryable: false, exitCode: 3 },
  ROW_REJECTED: { retryable: false, exitCode: 3 },
  TRANSFORM_FAILED: { retryable: false, exitCode: 3 },
  ROWS_DIFFER: { retryable: false, exitCode: 4 },
  INVARIANT_BROKEN: { retryable: false, exitCode: 4 },
  FOREIGN_KEY_BROKEN: { retryable: false, exitCode: 4 },
  SCHEMA_CHANGED: { retryable: true, exitCode: 4 },
  SCHEMA_CHANGE_FAILED: { retryable: false, exitCode: 1 },
  SCHEMA_FILE_CHANGED: { retryable: false, exitCode: 3 },
  WRITES_WOULD_BE_LOST: { retryable: false, exitCode: 5 },
  WRITE_NOT_REFUSED: { retryable: false, exitCode: 4 },
  REPORT_ALTERED: { retryable: false, exitCode: 4 },
  REPORT_UNTRUSTED: { retryable: false, exitCode: 4 },
  NOT_MOVED: { retryable: false, exitCode: 3 },
  DIRECTORY_NOT_UPDATED: { retryable: true, exitCode: 1 },
  FENCE_HELD: { retryable: true, exitCode: 3 },
  FENCE_LOST: { retryable: true, exitCode: 1 },
  MOVE_TAKEN_OVER: { retryable: true, exitCode: 1 },
  DRAIN_TIMEOUT: { retryable: true, exitCode: 1 },
  PAUSE_OVER_BUDGET: { retryable: true, exitCode: 1 },
  STOPPED: { retryable: true, exitCode: 1 },
  HOLD_FALLS_BEHIND: { retryable: true, exitCode: 3 },
  WINDOW_TOO_SHORT: { retryable: true, exitCode: 3 },
  PAUSED: { retryable: true, exitCode: 3 },
  CANCELLED: { retryable: false, exitCode: 3 },
  SKIPPED: { retryable: false, exitCode: 3 },
  UNREACHABLE: { retryable: true, exitCode: 6 },
  PROTOCOL_BROKEN: { retryable: false, exitCode: 6 },
  ACCESS_DENIED: { retryable: false, exitCode: 6 },
  DATABASE_ERROR: { retryable: false, exitCode: 1 },
  UNEXPECTED: { retryable: false, exitCode: 1 },
} as const satisfies Record<string, { retryable: boolean; exitCode: number }>

export type ErrorCode = keyof typeof errorCodes

export interface ErrorDetails {
  tenant?: string
  phase?: string
  /** Overrides that of the code, e.g. for a database error that may pass. */
  retryable?: boolean
  cause?: unknown
  /** Details for programs, beside the message. They are stored with the move, so never a secret. */
  data?: Readonly<Record<string, unknown>>
}

/** The error that rehome throws wherever a caller is expected to act on it. */
export class RehomeError extends Error {
  override readonly name = 'RehomeError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly tenant: string | undefined
  readonly phase: string | undefined
  readonly data: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(redact(message), details.cause === undefined ? undefined : { cause: details.cause })
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

/**
 * Passwords in URLs, what follows `password=` and its like, what follows an authorization's scheme,
 * whichever that is, cookies, and what is in a PEM block become `***`. Applied to every text that
 * leaves us. It hides rather too much than too little, and takes time in proportion to the text's
 * length, whatever a hostile row has put into it.
 */
export function redact(text: string): string {
  return text
    .replace(/\S+/g, hidePassword)
    .replace(headerLine, '$1$2***')
    .replace(otherScheme, '$1***')
    .replace(namedSecret, '$1***')
    .replace(/\b((?:bearer|rehome-hmac)\s+)\S+/gi, '$1***')
    .replace(basic, '$1***')
    .replace(pem, '$1***$2')
}

/**
 * Hides a password in any word that may be a URL. It ends at the last `@`, whatever is before that.
 */
function hidePassword(word: string): string {
  const scheme = word.indexOf('://')
  const colon = word.indexOf(':', scheme + 3)
  const at = word.lastIndexOf('@')
  return scheme >= 0 && colon >= 0 && colon < at
    ? `${word.slice(0, colon)}:***${word.slice(at)}`
    : word
}

/** Base64, as a header has it: words that follow `basic` in a sentence stay. */
const basic = /\b([Bb][Aa][Ss][Ii][Cc]\s+)(?=\S*[0-9A-Z=])[A-Za-z0-9+/=_-]{4,}/g

/** Headers in which several secrets may follow each other. */
const headerLine = /\b(cookie: *)[^\r\n"]+|\b(authorization: *digest )[^\r\n]+/gi

/** Authorizations of other schemes, or of none: `Authorization: ApiKey …`. */
const ownRule = /(?!(?:bearer|basic|digest|rehome-hmac)\b)/.source
const otherScheme = new RegExp(
  String.raw`\b(authorization\\?["']?\s*[:=]\s*\\?["']?${ownRule}(?:[\w-]+ +)?)[^\s"',;\\]+`,
  'gi',
)

/** Also one whose line feeds are escaped, or that is cut off. */
const pem = /(-----BEGIN [A-Z0-9 ]+-----)(?:(?!-----).)*(-----END [A-Z0-9 ]+-----)?/gs

const secretWords = 'pass|passw(?:or)?d|passphrase|pwd|secret|token|cookie|credentials?'
const secretName = new RegExp(
  String.raw`(?:${secretWords}|(?:api|private|access|secret)[_-]?key)\\?["']?\s*(?:[=:]|%3[ad])\s*`,
)
/** In double quotes that are escaped, in plain ones, in single quotes, or in none. */
const secretValues = [
  /\\"(?:[^"\\]|\\[^"])*(?:\\")?/,
  /"(?:[^"\\]|\\.)*"?/,
  /'(?:[^'\\]|\\.)*'?/,
  /[^\s"'&;](?:[^\s&;,)]|[,)](?=\S))*/,
]
const values = secretValues.map((value) => value.source).join('|')
const namedSecret = new RegExp(`(${secretName.source})(?:${values})`, 'gis')

const namedMax = 5

/** Joins the facts of one error: the first five, and how many more there are. */
export function firstFew(facts: readonly string[]): string {
  const named = facts.slice(0, namedMax).join('; ')
  return facts.length > namedMax ? `${named}; and ${facts.length - namedMax} more` : named
}

/** Shows what neither a text nor a jsonb of PostgreSQL can hold: NUL and half a character. */
export function storable(text: string): string {
  return redact(text)
    .replaceAll('\u0000', '\\u0000')
    .replace(/\p{Surrogate}/gu, '\ufffd')
}

/** JSON of a value that a jsonb of PostgreSQL can hold, without secrets in any of its texts. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'string' ? storable(part) : part,
  )
}

/** One line without secrets or control characters, for people. Never throws. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ')
  }
  const lines = storable(textOf(error)).split(/[\r\n]+/)
  const line = lines
    .map((part) => part.trim())
    .filter(Boolean)
    .join(' ')
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function textOf(error: unknown): string {
  if (typeof error === 'string') return error
  if (error instanceof Error) return String(error.message || error.name)
  return inspect(error, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
}
