/**
 * One try at one write: a transaction at one end, and what its end means to the application.
 *
 * It does not try again and does not look for another end (traffic.ts does). Invariant:
 * `acknowledged` only after COMMIT was answered; `unknown` wherever COMMIT was sent and the answer
 * did not come; everything else has certainly changed nothing.
 */
import pg from 'pg'
import { z } from 'zod'
import type { EndName, Write } from './ledger.ts'
import { perform, RowMissing } from './writes.ts'

export type Verdict =
  | { readonly kind: 'acknowledged' | 'unknown' }
  /** The fence answered. `key` opens the other end, where this one says that it has moved. */
  | {
      readonly kind: 'refused'
      readonly mode: FenceMode
      readonly key: string | null
      readonly error: unknown
    }
  /** Rolled back for the sake of others (40001, 40P01): the same again may succeed. */
  | { readonly kind: 'again' }
  /** The tenant's rows are not at this end, as the application may have come to the wrong one. */
  | { readonly kind: 'missing'; readonly code: string }
  | { readonly kind: 'failed'; readonly code: string }

export type FenceMode = z.infer<typeof refusal>['mode']

const refusal = z.object({
  mode: z.enum(['read_only', 'receiving', 'moved']),
  key: z.string().nullish(),
})

/** Connections of the application to one end. Breaking ones are met where they are used. */
export function createAppPool(url: string, size: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'task tracker',
    max: size,
    connectionTimeoutMillis: 5_000,
    query_timeout: 15_000,
  })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

export interface Try {
  readonly pool: pg.Pool
  readonly end: EndName
  readonly write: Write
  readonly think: () => Promise<void>
}

/** Never rejects. */
export async function tryWrite({ pool, end, write, think }: Try): Promise<Verdict> {
  const work = (client: pg.PoolClient) => perform[write.kind]({ client, end, think }, write)
  return await tryTransaction(pool, { isolation: write.isolation, work })
}

export interface Transaction {
  readonly isolation: Write['isolation']
  /** The statements between BEGIN and COMMIT. */
  readonly work: (client: pg.PoolClient) => Promise<void>
}

/** Never rejects. */
export async function tryTransaction(pool: pg.Pool, input: Transaction): Promise<Verdict> {
  let client: pg.PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) }
  }
  const verdict = await inTransaction(client, input)
  client.release(!(await isFit(client, verdict)))
  return verdict
}

async function inTransaction(
  client: pg.PoolClient,
  { isolation, work }: Transaction,
): Promise<Verdict> {
  try {
    await client.query(`begin isolation level ${isolation}`)
    await work(client)
  } catch (error) {
    return verdictOf(error)
  }
  try {
    const answer = await client.query('commit')
    return { kind: answer.command === 'COMMIT' ? 'acknowledged' : 'again' }
  } catch (error) {
    return isAnswer(error) ? verdictOf(error) : { kind: 'unknown' }
  }
}

/** Whether the connection may be used again. */
async function isFit(client: pg.PoolClient, { kind }: Verdict): Promise<boolean> {
  if (kind === 'acknowledged') return true
  if (kind === 'unknown' || kind === 'failed') return false
  return await client.query('rollback').then(
    () => true,
    () => false,
  )
}

/** The server says that this transaction has failed, and not that the server itself goes down. */
function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(08|57P|58|XX)/.test(error.code ?? '08')
}

function verdictOf(error: unknown): Verdict {
  const code = codeOf(error)
  if (error instanceof RowMissing || code === '23503') return { kind: 'missing', code }
  if (code === '40001' || code === '40P01') return { kind: 'again' }
  return fenceOf(error) ?? { kind: 'failed', code }
}

/** Other read-only errors have the same SQLSTATE, so the hint decides. */
function fenceOf(error: unknown): Extract<Verdict, { kind: 'refused' }> | null {
  if (!(error instanceof pg.DatabaseError) || error.hint !== 'rehome:fenced') return null
  const said = refusal.safeParse(JSON.parse(error.detail ?? '{}')).data
  return said ? { kind: 'refused', mode: said.mode, key: said.key ?? null, error } : null
}

export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'CONNECTION_LOST'
}
