/** How a database is called where people read it, and where a tenant's flag says that it lives. */

/** `host:port/database`, without user or password. Throws where it is no URL. */
export function placeOf(url: string): string {
  const parsed = new URL(url)
  return `${parsed.hostname}:${parsed.port || '5432'}${parsed.pathname}`
}
