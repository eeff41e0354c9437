/**
 * The application's writes: one after the other, at the tenant's home, and each that was
 * acknowledged once more in the shadow. What the fence refuses is tried again when asked.
 */
import type pg from 'pg'
import type { Case, Write } from './case.ts'
import { type EndName, tableOfWrite, writeSql } from './case-sql.ts'
import { literal, name } from './draw.ts'
import type { Fault } from './fault.ts'
import type { Databases } from './ground.ts'

interface Answer {
  readonly error: { readonly code: string; readonly message: string } | null
  readonly rows: readonly Record<string, string>[]
}

export class Writer {
  readonly faults: Fault[] = []
  acknowledged = 0
  readonly #kase: Case
  readonly #at: Databases
  #refused: Write[] = []
  #last: Promise<void> = Promise.resolve()

  constructor(kase: Case, at: Databases) {
    this.#kase = kase
    this.#at = at
  }

  /** Begins once those before it have ended. */
  write(write: Write, end: EndName, options: { readonly whileMoving: boolean }): Promise<void> {
    this.#last = this.#last.then(() => this.#perform(write, end, options))
    return this.#last
  }

  async settled(): Promise<void> {
    await this.#last
  }

  /** What was refused, and is forgotten here. */
  takeRefused(): Write[] {
    return this.#refused.splice(0)
  }

  async #perform(
    write: Write,
    end: EndName,
    { whileMoving }: { whileMoving: boolean },
  ): Promise<void> {
    const number = this.#numberOf(write)
    const sql = `${writeSql(this.#kase, write)}${number ? ` returning ${name(number)}::text` : ''}`
    const { error, rows } = await run(this.#at.application[end], sql)
    if (error?.code === '25006' && whileMoving) {
      this.#refused.push(write)
      return
    }
    // It waited for a lock of the move's, and gave up.
    if (error && whileMoving && ['55P03', '57014', '40P01'].includes(error.code)) return
    const again = this.#withNumber(write, number, rows[0])
    const shadow = await run(this.#at.shadow, writeSql(this.#kase, again), { undo: error !== null })
    if (!error) this.acknowledged += 1
    if ((error === null) === (shadow.error === null)) return
    const what = error
      ? `a write fails with ${error.code} at the ${end}`
      : `a write is accepted at the ${end} that would fail had nobody moved`
    this.faults.push({ what, details: [sql, (error ?? shadow.error)?.message ?? ''] })
  }

  #numberOf(write: Write): string | null {
    if (write.kind !== 'insert') return null
    const table = this.#kase.tables.find((one) => one.name === tableOfWrite(write))
    const column = table?.columns.find(({ fills }) => fills === 'number')
    return column && !(column.name in write.row.values) ? column.name : null
  }

  #withNumber(write: Write, number: string | null, row: Record<string, string> | undefined): Write {
    if (write.kind !== 'insert' || !number || !row) return write
    const values = { ...write.row.values, [number]: literal(row[number] ?? '') }
    return { ...write, row: { ...write.row, values } }
  }
}

async function run(
  pool: pg.Pool,
  sql: string,
  { undo = false }: { readonly undo?: boolean } = {},
): Promise<Answer> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query<Record<string, string>>(sql)
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
