/**
 * Answers to a write that is refused: JSON for programs, a page or a way back for people.
 *
 * Invariant: texts of a tenant, a reason or a request get into bodies, escaped, and never into a
 * header; the one exception is the path of a redirect, which a URL parser has encoded.
 */
import { prefersHtml } from './accepts.ts'
import { againCookie, cameAgain, clearedAgain, noticeCookie } from './cookies.ts'
import { pageOf } from './html.ts'
import type { Refusal } from './refusal.ts'
import { type Texts, whenToTryAgain } from './texts.ts'
import type { WebRequest } from './web-request.ts'

export interface Answer {
  readonly status: number
  /** Lower-case names. `set-cookie` and `vary` are added to those of the application. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The `type` of the `application/problem+json` body (RFC 9457). */
const problemType = 'urn:rehome:tenant-read-only'

export interface Form {
  readonly texts: Texts
  /** Where people are sent who came from nowhere; null: they are not sent anywhere. */
  readonly fallback: string | null
  readonly page: ((refusal: Refusal) => string | Promise<string>) | undefined
}

/** Headers that let monitors, and balancers that take servers out, leave these answers alone. */
const mode = { 'tenant-mode': 'read-only', 'cache-control': 'no-store', vary: 'Accept' }

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** Methods that only read, as far as anybody can know. */
export function isSafe({ method }: WebRequest): boolean {
  return safeMethods.has(method)
}

export async function refuse(refusal: Refusal, request: WebRequest, form: Form): Promise<Answer> {
  const { status, retryAfterS } = refusal
  const html = prefersHtml(request.header('accept'))
  // A page that is sent back to itself would never end.
  if (html && form.fallback !== null && !isSafe(request)) {
    const location = cameFrom(request) ?? form.fallback
    const headers = { ...mode, location, 'set-cookie': noticeCookie(retryAfterS) }
    return { status: 303, headers, body: '' }
  }
  const body = html ? await render(refusal, form) : problem(refusal, form.texts)
  const type = html ? 'text/html; charset=utf-8' : 'application/problem+json; charset=utf-8'
  const headers = {
    ...mode,
    'content-type': type,
    'x-content-type-options': 'nosniff',
    ...(retryAfterS === null ? {} : { 'retry-after': String(retryAfterS) }),
    ...(cameAgain(request.header('cookie')) ? { 'set-cookie': clearedAgain } : {}),
  }
  return { status, headers, body }
}

function problem({ status, tenant, reason, retryAfterS }: Refusal, texts: Texts): string {
  const detail = `${texts.notSaved} ${whenToTryAgain(texts, retryAfterS)}`
  const problem = {
    type: problemType,
    title: texts.title,
    status,
    detail,
    ...(tenant === null ? {} : { tenant }),
    ...(reason === null ? {} : { reason }),
    ...(retryAfterS === null ? {} : { retryAfterS }),
  }
  return JSON.stringify(problem)
}

/** A page of the application's that fails must not become another error. */
async function render(refusal: Refusal, { page, texts }: Form): Promise<string> {
  try {
    if (page) return await page(refusal)
  } catch {}
  return pageOf(refusal, texts)
}

/** A path of this very host, wherever the header points to. */
function cameFrom({ header, host }: WebRequest): string | null {
  const referer = header('referer')
  if (!referer || !URL.canParse(referer)) return null
  const { host: from, pathname, search } = new URL(referer)
  // Behind a proxy the host may be its inner name.
  const outer = header('x-forwarded-host')?.split(',')[0]?.trim()
  if (from !== host && from !== outer) return null
  // `//other.example` would be another host.
  return `${pathname.replace(/^[/\\]+/, '/')}${search}`
}

/**
 * Asks the client to repeat the request at the same URL: browsers and `fetch` repeat method and
 * body. null: it would not repeat, or has done so already.
 */
export function askAgain({ url, header }: WebRequest): Answer | null {
  if (header('sec-fetch-mode') === undefined || cameAgain(header('cookie'))) return null
  // Relative, as a proxy may have taken away a part of the path.
  const location = `./${url.replace(/\?.*/s, '').split('/').at(-1)}${/\?.*/s.exec(url)?.[0] ?? ''}`
  return { status: 307, headers: { ...mode, location, 'set-cookie': againCookie }, body: '' }
}
