/** How a database is called where people read it, and in a tenant's flag as its home. */

/** `host:port/database`, without user or password. Throws where it is no URL. */
export function placeOf(url: string): string {
  const parsed = new URL(url)
  return `${parsed.hostname}:${parsed.port || '5432'}${parsed.pathname}`
}
