/**
 * The application's reaction when one end says that a tenant has moved and the other is not open
 * yet: it opens that one with the key that it was given, so that it does not wait for rehome.
 */
import type pg from 'pg'

/** Harmless where the key is an old one, or the end is open already. Never rejects. */
export async function openOtherEnd(
  pool: pg.Pool,
  { tenant, key }: { tenant: string; key: string },
): Promise<void> {
  await pool.query(`select rehome.open_with_key('default', $1, $2)`, [tenant, key]).catch(() => {})
}
