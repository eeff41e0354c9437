// What the applications beside this file have in common: notes of tenants in PostgreSQL, and how a
// tenant that is just being moved is asked to come again. It knows nothing of any framework.
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { table } from 'rehome/http-end'
import { z } from 'zod'

export interface AppOptions {
  readonly pool: pg.Pool
  /** The secret that the workers show. */
  readonly secret: string
}

/** Tables to move: ../source.sql makes these. */
export const tables = [
  table('tenants', { tenant: 'id' }),
  table('notes'),
  // No tenant column: a row belongs to the tenant of its note.
  table('note_links', { through: 'note_id' }),
]

export interface Answer {
  readonly status: 201 | 400 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

const note = z.object({ tenant: z.string(), body: z.string() })

/** POST /notes, whatever brings the request here. */
export async function postNote(pool: pg.Pool, sent: unknown): Promise<Answer> {
  const { data } = note.safeParse(sent)
  if (!data) return { status: 400, headers: {}, body: { error: 'a note has a tenant and a body' } }
  const insert = 'insert into notes (tenant_id, body) values ($1, $2) returning id'
  try {
    const { rows } = await pool.query(insert, [data.tenant, data.body])
    return { status: 201, headers: {}, body: { id: rows[0].id } }
  } catch (error) {
    if (!isFenced(error)) throw error
    const { retryAfterS } = fencedDetail.parse(JSON.parse(error.detail ?? '{}'))
    const headers = { 'retry-after': String(retryAfterS) }
    return { status: 503, headers, body: { error: 'this notebook is being moved' } }
  }
}

const fencedDetail = z.object({ retryAfterS: z.number().default(5) })

/** A native read-only error has the same SQLSTATE, and another hint. */
function isFenced(error: unknown): error is pg.DatabaseError {
  return (
    error instanceof pg.DatabaseError && error.code === '25006' && error.hint === 'rehome:fenced'
  )
}

export function optionsFrom({ DATABASE_URL, REHOME_SECRET }: NodeJS.ProcessEnv): AppOptions {
  if (!DATABASE_URL || !REHOME_SECRET) throw new Error('set DATABASE_URL and REHOME_SECRET')
  return { pool: new pg.Pool({ connectionString: DATABASE_URL }), secret: REHOME_SECRET }
}

/** Whether this file was started, and not imported. */
export function isMain(url: string): boolean {
  return url === pathToFileURL(process.argv[1] ?? '').href
}
