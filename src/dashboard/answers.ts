/** Maps an error to an answer over HTTP: a status, and a text that gives nothing away. */
import { type ErrorCode, messageOf, RehomeError } from '../errors.ts'
import { toRehomeError } from '../postgres.ts'

export type Status = 400 | 404 | 409 | 500 | 503

const statuses: Partial<Record<ErrorCode, Status>> = {
  USAGE: 400,
  RUN_UNKNOWN: 404,
  TENANT_UNKNOWN: 404,
  TENANT_ID_INVALID: 400,
  NOT_ALLOWED_NOW: 409,
  TENANT_BUSY: 409,
  UNREACHABLE: 503,
}

export interface Answer {
  readonly status: Status
  readonly code: ErrorCode
  readonly message: string
}

export function answerTo(cause: unknown, where = 'the control database'): Answer {
  const error = toRehomeError(statusError(cause) ?? cause, where)
  return { status: statuses[error.code] ?? 500, code: error.code, message: messageOf(error) }
}

/** The web server's own refusals, such as a body that is no JSON, are the caller's mistakes. */
function statusError(cause: unknown): RehomeError | null {
  if (!(cause instanceof Error) || !('statusCode' in cause)) return null
  const theirs = typeof cause.statusCode === 'number' && cause.statusCode < 500
  return theirs ? new RehomeError('USAGE', messageOf(cause), { cause }) : null
}
