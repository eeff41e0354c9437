/** Errors on their way over HTTP: application/problem+json (RFC 9457). */
import { z } from 'zod'
import { type ErrorCode, errorCodes, messageOf, RehomeError } from '../../errors.ts'
import { isKeyOf } from '../../known.ts'

export const problemType = 'application/problem+json'

export const problem = z.object({
  /** `https://…#CODE`, never fetched. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.string().optional(),
  retryable: z.boolean().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
})

export type Problem = z.infer<typeof problem>

const statuses: Partial<Record<ErrorCode, number>> = {
  USAGE: 400,
  PLAN_INVALID: 400,
  ACCESS_DENIED: 403,
  TENANT_UNKNOWN: 404,
  TENANT_ID_INVALID: 400,
  FENCE_HELD: 409,
  FENCE_LOST: 409,
  MOVE_TAKEN_OVER: 409,
  ID_COLLISION: 409,
  NOT_INSTALLED: 409,
  PREFLIGHT_FAILED: 409,
  ROW_REJECTED: 422,
  DRAIN_TIMEOUT: 409,
  UNREACHABLE: 503,
  // Of a request: an end that asks another one has it of its answer.
  PROTOCOL_BROKEN: 400,
}

export function problemOf(error: RehomeError): Problem {
  const { code, retryable, data } = error
  return {
    type: `urn:rehome:${code}`,
    title: code,
    status: statuses[code] ?? 500,
    detail: messageOf(error),
    code,
    retryable,
    data: { ...data },
  }
}

/** Maps an unsuccessful answer to an error. */
export function errorOf(status: number, body: string, where: string): RehomeError {
  const result = problem.safeParse(parsed(body))
  const { code, detail, title, retryable, data } = result.data ?? {}
  const text = shown(detail ?? title ?? (body.slice(0, 200) || 'without a word'))
  if (code !== undefined && isKeyOf(errorCodes, code)) {
    return new RehomeError(code, `${where}: ${text}`, {
      ...(retryable !== undefined && { retryable }),
      ...(data && isSmall(data) && { data }),
    })
  }
  const message = `${where} answered ${status}: ${text}`
  if (status === 401 || status === 403) return new RehomeError('ACCESS_DENIED', message)
  if (status === 429 || status === 502 || status === 503 || status === 504) {
    return new RehomeError('UNREACHABLE', message)
  }
  return new RehomeError('PROTOCOL_BROKEN', message)
}

const charactersMax = 1_000
const dataCharactersMax = 16_384

/** Makes one line of an end's own text, without control characters for a terminal. */
export function shown(text: string): string {
  const line = messageOf(text.slice(0, charactersMax))
  return text.length > charactersMax ? `${line}… (${text.length} characters)` : line
}

/** It is stored with the move. */
function isSmall(data: Readonly<Record<string, unknown>>): boolean {
  return JSON.stringify(data).length <= dataCharactersMax
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
