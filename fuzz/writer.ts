/**
 * The application's writes: one after the other, at the tenant's home, and each that was
 * acknowledged once more in the shadow. What the fence refuses is tried again when asked.
 */

import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import copyStreams from 'pg-copy-streams'
import type { Case, EndName, Transaction, Write } from './cases/case.ts'
import { copiedRows, tableOfWrite, writeSql } from './cases/case-sql.ts'
import { literal, name } from './draw/draw.ts'
import type { Fault } from './fault.ts'
import type { Databases } from './ground.ts'
import { isRootless } from './rootless.ts'

export interface Place {
  readonly end: EndName
  /** The fence may refuse it, and locks of the move's may hold it up. */
  readonly whileMoving: boolean
}

interface Answer {
  readonly error: { readonly code: string; readonly message: string } | null
  readonly rows: readonly Record<string, string>[]
}

export class Writer {
  readonly faults: Fault[] = []
  acknowledged = 0
  readonly #kase: Case
  readonly #at: Databases
  #refused: Transaction[] = []
  #last: Promise<void> = Promise.resolve()

  constructor(kase: Case, at: Databases) {
    this.#kase = kase
    this.#at = at
  }

  /** Begins once those before it have ended. */
  write(transaction: Transaction, at: Place): Promise<void> {
    this.#last = this.#last.then(() => this.#perform(transaction, at))
    return this.#last
  }

  async settled(): Promise<void> {
    await this.#last
  }

  /** Returns refused transactions, and forgets them here. */
  takeRefused(): Transaction[] {
    return this.#refused.splice(0)
  }

  async #perform(transaction: Transaction, { end, whileMoving }: Place): Promise<void> {
    const { writes, isolation, holdMs } = transaction
    if (await isRootless(this.#kase, writes, this.#at.shadow)) return
    const statements = writes.map((write) => this.#statement(write, end))
    const { error, rows } = await run(this.#at.application[end], statements, { isolation, holdMs })
    if (error && whileMoving && ['25006', '40001'].includes(error.code)) {
      this.#refused.push(transaction)
      return
    }
    // It waited for a lock of the move's, and gave up.
    if (error && whileMoving && ['55P03', '57014', '40P01'].includes(error.code)) return
    const again = writes.map((write, i) =>
      statementOf(this.#kase, this.#withNumber(write, rows[i]), 'source'),
    )
    const shadow = await run(this.#at.shadow, again, { undo: error !== null })
    if (!error) this.acknowledged += 1
    if ((error === null) === (shadow.error === null)) return
    const what = error
      ? `a write fails with ${error.code} at the ${end}`
      : `a write is accepted at the ${end} that would fail without the move`
    this.faults.push({
      what,
      details: [...statements.map(({ sql }) => sql), (error ?? shadow.error)?.message ?? ''],
    })
  }

  #statement(write: Write, end: EndName): Statement {
    const number = this.#numberOf(write)
    const { sql, rows } = statementOf(this.#kase, write, end)
    return { rows, sql: `${sql}${number ? ` returning ${name(number)}::text` : ''}` }
  }

  #numberOf(write: Write): string | null {
    if (write.kind !== 'insert') return null
    const table = this.#kase.tables.find((one) => one.name === tableOfWrite(write))
    const column = table?.columns.find(({ fills }) => fills === 'number')
    return column && !(column.name in write.row.values) ? column.name : null
  }

  #withNumber(write: Write, row: Record<string, string> | undefined): Write {
    const number = this.#numberOf(write)
    if (write.kind !== 'insert' || !number || !row) return write
    const values = { ...write.row.values, [number]: literal(row[number] ?? '') }
    return { ...write, row: { ...write.row, values } }
  }
}

interface Statement {
  readonly sql: string
  /** Query for the rows of `copy … from stdin`. */
  readonly rows: string | null
}

function statementOf(kase: Case, write: Write, end: EndName): Statement {
  const rows = write.kind === 'copy' ? copiedRows(kase, write, end) : null
  return { sql: writeSql(kase, write, end), rows }
}

interface Manner extends Partial<Pick<Transaction, 'isolation' | 'holdMs'>> {
  readonly undo?: boolean
}

async function run(
  pool: pg.Pool,
  statements: readonly Statement[],
  { undo = false, isolation = 'read committed', holdMs = 0 }: Manner = {},
): Promise<Answer> {
  const client = await pool.connect()
  try {
    await client.query(`begin isolation level ${isolation}`)
    const rows: Record<string, string>[] = []
    for (const statement of statements) rows.push(await runOne(client, statement))
    if (holdMs > 0) await delay(holdMs)
    await client.query(undo ? 'set constraints all immediate; rollback' : 'commit')
    return { error: null, rows }
  } catch (thrown) {
    await client.query('rollback').catch(() => {})
    const { code = '', message = String(thrown) } = thrown as { code?: string; message?: string }
    return { error: { code, message }, rows: [] }
  } finally {
    client.release()
  }
}

async function runOne(
  client: pg.PoolClient,
  { sql, rows }: Statement,
): Promise<Record<string, string>> {
  if (rows === null) return (await client.query<Record<string, string>>(sql)).rows[0] ?? {}
  const lines: Buffer[] = []
  for await (const line of client.query(copyStreams.to(rows))) lines.push(line as Buffer)
  await pipeline(lines, client.query(copyStreams.from(sql)))
  return {}
}
