/** Rows into a table by COPY, on a connection whose transaction is the caller's. */
import { finished } from 'node:stream/promises'
import type { CopyStreamQuery } from 'pg-copy-streams'
import copyStreams from 'pg-copy-streams'
import type { Client } from '../../postgres.ts'
import { idents } from '../../quote.ts'
import type { Texts } from '../tenant-rows.ts'
import { writeField } from './copy-text.ts'
import { binaryHeader, binaryTrailer, type CopyFormat } from './split-rows.ts'

/** Whole rows for COPY, with the columns that they have. */
export interface CopyRows {
  readonly bytes: Buffer
  readonly rows: number
  readonly columns: readonly string[]
  readonly format: CopyFormat
}

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

/** `relation`: schema-qualified and quoted. Nothing is sent before the first row. */
export function copyInto(client: Client, relation: string): CopyInto {
  let open: OpenCopy | null = null
  const end = async () => {
    if (open) await closeCopy(open)
    open = null
  }
  return {
    end,
    async write(rows) {
      if (open && open.format !== rows.format) await end()
      open ??= openCopy(client, relation, rows)
      if (open.failure) throw open.failure
      if (!open.stream.write(rows.bytes)) await drained(open.stream)
    },
  }
}

interface OpenCopy {
  readonly stream: CopyStreamQuery
  readonly format: CopyFormat
  /** What the server said while nobody was waiting: the stream forgets it. */
  failure: Error | null
}

function openCopy(client: Client, relation: string, rows: CopyRows): OpenCopy {
  const { columns, format } = rows
  const into = `${relation} (${idents(columns)})`
  const stream = client.query(copyStreams.from(`copy ${into} from stdin (format ${format})`))
  const open: OpenCopy = { stream, format, failure: null }
  stream.on('error', (error) => {
    open.failure ??= error
  })
  if (format === 'binary') stream.write(binaryHeader)
  return open
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
