/**
 * The URL of a tenant's own database, made by a function of the plan. A tenant's id is a
 * part of it as a rule, and ids may be anything: what opens is the database that the whole path
 * names, or nothing. Pure.
 */
import { RehomeError } from '../../errors.ts'
import { encodedPath, nameMaxBytes, placeOf } from '../../place.ts'

export interface TenantUrl {
  /** Connection string with its path encoded for the client. */
  readonly text: string
  readonly place: string
}

const form = /^postgres(?:ql)?:\/\/([^/?#]*)([^?#]*)/

/** The URL is not in any message: it may hold a password. Throws PLAN_INVALID. */
export function tenantUrl(
  url: unknown,
  { name, tenant }: { readonly name: string; readonly tenant: string },
): TenantUrl {
  const refused = (what: string) => {
    const message = `plan field \`${name}.url\` ${what} for tenant ${quoted(tenant)}`
    return new RehomeError('PLAN_INVALID', message, { tenant })
  }
  const parts = typeof url === 'string' && URL.canParse(url) ? form.exec(url) : null
  if (typeof url !== 'string' || !parts) {
    const what = typeof url === 'string' ? 'a text that is none' : String(typeof url)
    throw refused(`has to return a postgres:// URL, and returns ${what}`)
  }
  const [start = '', authority = '', path = ''] = parts
  const fault = faultOf(url, { authority, path, tenant })
  if (fault !== null) {
    throw refused(`returns a URL that ${fault}: use \`encodeURIComponent(tenant)\` in it`)
  }
  const database = decoded(path) ?? ''
  if (/[/?#]/.test(database.slice(1))) {
    throw refused('names a database with "/", "?" or "#" in its name, which cannot be opened,')
  }
  const bytes = Buffer.byteLength(database.slice(1))
  if (bytes > nameMaxBytes) {
    throw refused(
      `names a database by ${bytes} bytes, and PostgreSQL cuts names at ${nameMaxBytes},`,
    )
  }
  const before = url.slice(0, start.length - path.length)
  const text = `${before}${encodedPath(database)}${url.slice(start.length)}`
  return { text, place: placeOf(text) }
}

/** The URL of another database of the same server, for the same user. */
export function besideOf(url: string, database: string): string {
  const [start = '', , path = ''] = form.exec(url) ?? []
  const rest = url.slice(start.length)
  return `${start.slice(0, start.length - path.length)}${encodedPath(`/${database}`)}${rest}`
}

export function quoted(tenant: string): string {
  return JSON.stringify(tenant.slice(0, 80))
}

interface Parts {
  /** User, password, host and port. */
  readonly authority: string
  readonly path: string
  readonly tenant: string
}

/** Reason for which the URL may open another database than its path spells. null: there is none. */
function faultOf(url: string, { authority, path, tenant }: Parts): string | null {
  if (url.includes('#')) return 'has a "#"'
  if (path.lastIndexOf('/') > 0) return 'has more than one "/" after its host'
  const database = decoded(path)
  // Parsing removes dots, tabs, line breaks and spaces at the end.
  if (database === null || decoded(new URL(url).pathname) !== database) {
    return 'is changed by parsing it'
  }
  if (count(tenant, '?') > count(`${authority}${path}`.toUpperCase(), '%3F') && url.includes('?')) {
    return 'has the "?" of the tenant\'s id, or might have'
  }
  if (tenant.includes('%') && path.includes('%') && !database.includes('%')) {
    return 'has the "%" of the tenant\'s id'
  }
  if (/[@:%]/.test(tenant) && authority.toLowerCase().includes(tenant.toLowerCase())) {
    return "has the tenant's id before its path"
  }
  return null
}

/** null: there is a "%" that encodes nothing. */
function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}
