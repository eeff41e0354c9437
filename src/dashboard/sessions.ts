/**
 * The cookie that a browser gets for a token: a role and an end, signed with a key that lives as
 * long as this board does. It holds nothing of the token, so a stolen one is of no use after a
 * restart.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export type Role = 'operator' | 'approver' | 'viewer'

/** The mightiest first. */
export const roles: readonly Role[] = ['operator', 'approver', 'viewer']

export interface Sessions {
  issue(role: Role, to: { port: number | undefined; https: boolean }): string
  /** The role of a cookie header that holds a session of ours which has not ended. */
  read(cookies: string | undefined, port: number | undefined): Role | null
}

const lifetimeS = 12 * 3600

/** `clock` is in ms since 1970. */
export function createSessions(clock: () => number = Date.now): Sessions {
  const key = randomBytes(32)
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
  return {
    issue(role, { port, https }) {
      const text = `${role}.${Math.floor(clock() / 1000) + lifetimeS}`
      const value = `${text}.${sign(text)}`
      const secure = https ? '; Secure' : ''
      const rules = `Path=/; Max-Age=${lifetimeS}; HttpOnly; SameSite=Strict${secure}`
      return `${nameOf(port)}=${value}; ${rules}`
    },
    read(cookies, port) {
      for (const value of valuesOf(cookies, nameOf(port))) {
        const [role, ends, signature] = value.split('.')
        if (!same(signature, sign(`${role}.${ends}`))) continue
        if (Number(ends) * 1000 <= clock()) continue
        const match = roles.find((one) => one === role)
        if (match) return match
      }
      return null
    },
  }
}

/** Cookies do not tell ports apart, and there may be two boards on one machine. */
function nameOf(port: number | undefined): string {
  return `rehome_${port ?? 0}`
}

function valuesOf(cookies: string | undefined, name: string): string[] {
  return (cookies ?? '').split(';').flatMap((cookie) => {
    const [key, value] = cookie.trim().split('=', 2)
    return key === name && value !== undefined ? [value] : []
  })
}

/** Takes as long, whatever both have in common. */
export function same(left: string | undefined, right: string): boolean {
  const [a, b] = [Buffer.from(left ?? ''), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
