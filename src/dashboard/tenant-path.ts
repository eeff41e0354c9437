/**
 * Addresses of a tenant's pages: /tenants/<run>/<tenant>, and the same with `.json`. A tenant id
 * is any text, so an id that ends in `.json`, or is `..`, must survive the way there and back.
 */
import { type AskedErrand, askedErrands } from '../errands.ts'

const prefix = '/tenants/'

export interface TenantAddress {
  readonly runId: string
  readonly tenant: string
  readonly json: boolean
}

export function tenantPath(runId: string, tenant: string): string {
  return `${prefix}${encode(runId)}/${encode(tenant)}`
}

export interface ActionAddress {
  readonly errand: AskedErrand
  readonly runId: string
  readonly tenant: string
}

/** The page that shows what an errand costs, and asks for it: /actions/<errand>/<run>/<tenant>. */
export function actionPath(errand: AskedErrand, runId: string, tenant: string): string {
  return `/actions/${errand}/${tenantPath(runId, tenant).slice(prefix.length)}`
}

/** From a request's raw URL. null: it is not such an address. */
export function readActionPath(url: string): ActionAddress | null {
  const [, name, rest] = /^\/actions\/([a-z]+)\/(.*)$/s.exec(url) ?? []
  const errand = askedErrands.find((one) => one === name)
  const address = readTenantPath(`${prefix}${rest ?? ''}`)
  return errand && address && !address.json ? { ...address, errand } : null
}

const inspectPrefix = '/inspect/'

/** The page with rows of a tenant side by side: /inspect/<run>/<tenant>?table=…&key=…. */
export function inspectPath(
  runId: string,
  tenant: string,
  of: Record<string, string> = {},
): string {
  const query = new URLSearchParams(of).toString()
  const path = `${inspectPrefix}${tenantPath(runId, tenant).slice(prefix.length)}`
  return query === '' ? path : `${path}?${query}`
}

/** From a request's raw URL. null: it is not such an address. */
export function readInspectPath(url: string): TenantAddress | null {
  if (!url.startsWith(inspectPrefix)) return null
  const address = readTenantPath(`${prefix}${url.slice(inspectPrefix.length)}`)
  return address?.json ? null : address
}

/** Dots are encoded, so that a bare `.json` at the end is ours. */
function encode(text: string): string {
  const spared = /^~*\.\.?$/.test(text) ? `~${text}` : text
  return encodeURIComponent(wellFormed(spared)).replaceAll('.', '%2E')
}

/** Half of a surrogate pair cannot be encoded, and no database has it. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd')
}

/** From a request's raw URL. null: it is not such an address. */
export function readTenantPath(url: string): TenantAddress | null {
  const path = url.split(/[?#]/, 1)[0] ?? ''
  const [run, last, ...more] = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : []
  if (!run || !last || more.length > 0) return null
  const json = last.endsWith('.json')
  const [runId, tenant] = [decode(run), decode(json ? last.slice(0, -'.json'.length) : last)]
  return runId && tenant ? { runId, tenant, json } : null
}

/** A browser takes a segment of one or two dots for a direction, so those travel behind a tilde. */
function decode(text: string): string | null {
  try {
    const decoded = decodeURIComponent(text)
    return /^~+\.\.?$/.test(decoded) ? decoded.slice(1) : decoded
  } catch {
    return null
  }
}
