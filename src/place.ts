/** How a database is called where people read it, and in a tenant's flag as its home. */

/** Bytes of the longest name of a database, schema or table. PostgreSQL cuts longer ones. */
export const nameMaxBytes = 63

/** `host:port/database`, without user or password. Throws where it is no URL. */
export function placeOf(url: string): string {
  const parsed = new URL(url)
  return `${parsed.hostname}:${parsed.port || '5432'}${parsed.pathname}`
}

/**
 * The path of a URL for a database. Connections decode all of it but characters that a URL uses:
 * these stand for themselves, and names with "?" or "#" cannot be opened.
 */
export function encodedPath(path: string): string {
  return encodeURI(path).replaceAll(/[[\]?#]/g, encodeURIComponent)
}
