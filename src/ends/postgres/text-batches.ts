/** Rows as texts from one database, and as arrays of texts to another. */

import Cursor from 'pg-cursor'
import { heard } from '../../parallel.ts'
import type { Client } from '../../postgres.ts'
import type { Texts } from '../tenant-rows.ts'
import { ReadingPace } from '../weight.ts'

/** Raw texts, exactly as the server wrote them. */
export const asText = { getTypeParser: () => (text: string) => text }

export async function textsOf(client: Client, text: string): Promise<Texts[]> {
  return (await client.query({ text, rowMode: 'array', types: asText })).rows
}

/**
 * A cursor that fails where its connection is lost. `pg-cursor` alone passes over that between the
 * last row and the server's being ready, and waits for good.
 */
export class TextCursor {
  readonly #client: Client
  readonly #cursor: Cursor<Texts>
  readonly #waiting = new Set<(error: Error) => void>()
  #lost: Error | null = null

  constructor(client: Client, text: string, values: readonly unknown[] = []) {
    this.#client = client
    client.once('end', this.#lose)
    const options = { rowMode: 'array', types: asText } as const
    this.#cursor = client.query(new Cursor<Texts>(text, [...values], options))
  }

  /** The next rows, `count` at most; fewer: there are no more. */
  read(count: number): Promise<Texts[]> {
    return this.#unlessLost((resolve, reject) => {
      this.#cursor.read(count, (error, rows) => (error ? reject(error) : resolve(rows)))
    })
  }

  /** The connection is ready for another query afterwards. */
  async close(): Promise<void> {
    await this.#unlessLost<void>((resolve, reject) => {
      this.#cursor.close((error) => (error ? reject(error) : resolve()))
    })
    this.#client.off('end', this.#lose)
  }

  readonly #lose = () => {
    this.#lost = new Error('Connection terminated unexpectedly')
    for (const fail of this.#waiting) fail(this.#lost)
  }

  async #unlessLost<T>(ask: Ask<T>): Promise<T> {
    let fail: (error: Error) => void = () => {}
    try {
      return await new Promise<T>((resolve, reject) => {
        if (this.#lost) throw this.#lost
        fail = reject
        this.#waiting.add(fail)
        ask(resolve, fail)
      })
    } finally {
      this.#waiting.delete(fail)
    }
  }
}

type Ask<T> = (resolve: (value: T) => void, reject: (error: Error) => void) => void

export interface Batches {
  /** Rows of a batch at most; fewer where they are large. */
  readonly size: number
  /** How large a batch may be. Default: a page. */
  readonly weightMax?: number
  /** Rows of the first batch, of which nothing is known yet. Default: 4. */
  readonly firstRows?: number
}

/**
 * A query's rows; the next batch is read while one is looked at. Who breaks out of the loop has to
 * give up the connection.
 */
export async function* textBatches(
  client: Client,
  query: string,
  { size: rowsMax, ...bounds }: Batches,
): AsyncGenerator<readonly Texts[], void, undefined> {
  const cursor = new TextCursor(client, query)
  const pace = new ReadingPace({ rowsMax, ...bounds })
  let reading: Promise<Texts[]> = heard(cursor.read(pace.next()))
  for (;;) {
    const rows = await reading
    if (rows.length === 0) break
    pace.add(rows)
    reading = heard(cursor.read(pace.next()))
    yield rows
  }
  await cursor.close()
}

/** A column as PostgreSQL's text of an array. Quotes are always right, and quicker than asking. */
export function arrayOfTexts(rows: readonly Texts[], column: number): string {
  let array = ''
  for (const row of rows) {
    const text = row[column] ?? null
    if (array !== '') array += ','
    if (text === null) array += 'NULL'
    else if (text.includes('"') || text.includes('\\')) {
      array += `"${text.replace(/["\\]/g, '\\$&')}"`
    } else array += `"${text}"`
  }
  return `{${array}}`
}
