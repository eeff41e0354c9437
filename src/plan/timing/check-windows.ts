/** The rules of windows in a plan, and of those that its function returns for a tenant. */
import { z } from 'zod'
import { RehomeError } from '../../errors.ts'
import { type StoredWindow, storedWindows, whyNoWindow } from './windows.ts'

const window = z
  .strictObject({ opens: z.string(), for: z.string(), zone: z.string().optional() })
  .superRefine((value, at) => {
    const why = whyNoWindow(value)
    if (why !== null) at.addIssue({ code: 'custom', message: why })
  })

const list = z.union([window, z.array(window).min(1).max(50)])

export const windows = z.union([z.custom((value) => typeof value === 'function'), list])

/** Checks what a plan's function has returned for a tenant. Throws PLAN_INVALID. */
export function windowsFor(tenant: string, returned: unknown): StoredWindow[] | null {
  if (returned === null || returned === undefined) return null
  const parsed = list.safeParse(returned)
  if (parsed.success) return storedWindows(parsed.data)
  const what = parsed.error.issues.map(({ message }) => message).join('; ')
  const message = `plan field \`windows\` for tenant ${JSON.stringify(tenant)}: ${what}`
  throw new RehomeError('PLAN_INVALID', message)
}
