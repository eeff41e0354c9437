/**
 * Is it our own page that asks? Browsers send requests for other sites' pages, too, with our
 * cookie, or from behind a name that was pointed at this machine. Pure: looks at headers, nothing
 * else.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { type Caller, isLoopback } from './access.ts'

/**
 * Whether a Host header names this machine itself, with any port. Another name means that
 * somebody's web page has been made to believe that we are its server (DNS rebinding).
 */
export function namesThisMachine(host: string | undefined): boolean {
  return isLoopback((host ?? '').replace(/:\d{1,5}$/, ''))
}

/**
 * Whether a Host header names a board that has tokens. A page that was pointed here by its own name
 * would have the browser's trust: it could sign in, and act as the person who opened it. No such
 * page can have an address as its name, and the names of the board are listed.
 */
export function namesBoard(host: string | undefined, allowed: readonly string[]): boolean {
  const name = (host ?? '').replace(/:\d{1,5}$/, '').toLowerCase()
  const listed = allowed.some((one) => one.toLowerCase() === name)
  return listed || namesThisMachine(host) || isIP(name.replace(/^\[|\]$/g, '')) !== 0
}

/** Whether a request that writes may come from another site's page. In doubt it may. */
export function mayBeForeign(headers: IncomingHttpHeaders, by: Caller['by'] | 'stranger'): boolean {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  // A browser sends its cookie along by itself, and that of the proxy, too.
  const isSentByItself = by === 'cookie' || by === 'proxy'
  if (origin === undefined) return site === undefined && isSentByItself
  return origin === 'null' ? site !== 'same-origin' : hostOf(origin) !== host?.toLowerCase()
}

/** The page that a click on another site's link has opened; a strict cookie is not sent along. */
export function isForeignClick(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] === 'navigate'
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}

/** Path and query of a request without its token: where to go on, and never to another host. */
export function localPath(url: string): string {
  const parsed = URL.canParse(url, 'http://board') ? new URL(url, 'http://board') : null
  // Of another scheme or host not even the path: it may begin with what a browser takes for a host.
  if (parsed?.origin !== 'http://board') return '/'
  parsed.searchParams.delete('token')
  return `/${parsed.pathname.replace(/^[/\\]+/, '')}${parsed.search}`
}

/** The token that a link carries. */
export function tokenOf(url: string): string | null {
  return URL.canParse(url, 'http://board')
    ? new URL(url, 'http://board').searchParams.get('token')
    : null
}
