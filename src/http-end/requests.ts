/** Parses and checks requests. */
import type { z } from 'zod'
import { RehomeError } from '../errors.ts'

/** Throws USAGE where it is no JSON, not what the protocol defines, or of another scope. */
export function checked<T>(schema: z.ZodType<T>, body: string, scope: string): T {
  const parsed = schema.safeParse(parse(body))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue?.path.join('.') || 'the request'
    throw new RehomeError('USAGE', `${where}: ${issue?.message}`)
  }
  const requested = Object(parsed.data).scope
  if (requested === undefined || requested === scope) return parsed.data
  throw new RehomeError('USAGE', `this end guards scope "${scope}", not "${requested}"`)
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new RehomeError('USAGE', 'the request is no JSON')
  }
}
