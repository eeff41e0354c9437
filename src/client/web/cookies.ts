/** The two short-lived cookies of read-only mode. They hold no text, so none can be planted. */

const noticeName = 'rehome-notice'
const againName = 'rehome-again'

const attributes = 'HttpOnly; SameSite=Lax'

/** For the page that a browser is sent back to. */
export function noticeCookie(retryAfterS: number | null): string {
  const value = retryAfterS === null ? 'indefinitely' : `later-${retryAfterS}`
  return `${noticeName}=${value}; Path=/; Max-Age=60; ${attributes}`
}

export const clearedNotice = `${noticeName}=; Path=/; Max-Age=0; ${attributes}`

/** undefined: there is none, or none of ours. */
export function readNotice(header: string | undefined): number | null | undefined {
  const value = cookieIn(header, noticeName)
  if (value === 'indefinitely') return null
  const seconds = /^later-(\d{1,6})$/.exec(value ?? '')?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}

/** For a request that was sent to its own URL once more: not twice. */
export const againCookie = `${againName}=1; Max-Age=10; ${attributes}`
export const clearedAgain = `${againName}=; Max-Age=0; ${attributes}`

export function cameAgain(header: string | undefined): boolean {
  return cookieIn(header, againName) === '1'
}

function cookieIn(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}
