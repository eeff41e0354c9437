/** Rows into a table by COPY, on a connection whose transaction is the caller's. */
import { finished } from 'node:stream/promises'
import type { CopyStreamQuery } from 'pg-copy-streams'
import copyStreams from 'pg-copy-streams'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { Client } from '../../../postgres.ts'
import { idents, qualified } from '../../../quote.ts'
import { writeField } from '../../../values/copy-text.ts'
import { type CopyRows, SentRows } from '../../../values/sent-rows.ts'
import { binaryHeader, binaryTrailer, type CopyFormat } from '../../../values/split-rows.ts'
import type { Texts } from '../../tenant-rows.ts'
import { countBytes } from './copied-bytes.ts'
import { nameRejectedRow } from './rejected-row.ts'

/** Rows of texts, as COPY reads them. */
export function textRows(rows: readonly Texts[], columns: readonly string[]): CopyRows {
  const lines = rows.map((row) => `${row.map(writeField).join('\t')}\n`)
  return { bytes: Buffer.from(lines.join('')), rows: rows.length, columns, format: 'text' }
}

export interface CopyInto {
  /** Columns are the same each time; another format begins another COPY. */
  write(rows: CopyRows): Promise<void>
  /** All rows are there. */
  end(): Promise<void>
}

/** Where rows go. */
export interface Into {
  readonly schema: string
  readonly table: CatalogTable
}

/** Sends nothing before the first row. Throws ROW_REJECTED with table, key and column. */
export function copyInto(client: Client, into: Into): CopyInto {
  let open: OpenCopy | null = null
  const end = async () => {
    if (open) await closeCopy(open)
    open = null
  }
  const write = async (rows: CopyRows) => {
    if (open && open.format !== rows.format) await end()
    open ??= openCopy(client, into, rows)
    if (open.failure) throw open.failure
    open.sent.add(rows)
    countBytes(rows.bytes.length)
    if (!open.stream.write(rows.bytes)) await drained(open.stream)
  }
  const named = async (work: Promise<void>) => {
    try {
      await work
    } catch (error) {
      throw open ? nameRejectedRow(error, into.table, open.sent) : error
    }
  }
  return { end: () => named(end()), write: (rows) => named(write(rows)) }
}

interface OpenCopy {
  readonly stream: CopyStreamQuery
  readonly format: CopyFormat
  readonly sent: SentRows
  /** The server's error between two waits: the stream forgets it. */
  failure: Error | null
}

function openCopy(client: Client, { schema, table }: Into, rows: CopyRows): OpenCopy {
  const { format } = rows
  const stream = client.query(copyStreams.from(copyFrom({ schema, table }, rows)))
  const open: OpenCopy = { stream, format, sent: new SentRows(), failure: null }
  stream.on('error', (error) => {
    open.failure ??= error
  })
  if (format === 'binary') stream.write(binaryHeader)
  return open
}

/** Rows of these columns, in this format. */
export function copyFrom(
  { schema, table }: Into,
  { columns, format }: Pick<CopyRows, 'columns' | 'format'>,
): string {
  const into = `${qualified(schema, table.name)} (${idents(columns)})`
  return `copy ${into} from stdin (format ${format})`
}

async function drained(stream: CopyStreamQuery): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error | null) => {
      stream.off('drain', done)
      stream.off('error', done)
      stream.off('close', done)
      if (error) reject(error)
      else resolve()
    }
    stream.once('drain', done)
    stream.once('error', done)
    stream.once('close', done)
  })
}

async function closeCopy({ stream, format, failure }: OpenCopy): Promise<void> {
  if (failure) throw failure
  const end = finished(stream)
  stream.end(format === 'binary' ? binaryTrailer : undefined)
  await end
}
