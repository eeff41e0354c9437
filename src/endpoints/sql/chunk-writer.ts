/**
 * Writes rows to the target as a sequence of transactions, each one COPY and its progress row.
 *
 * Each transaction first locks the tenant's flag under our token: a worker that was taken over can
 * begin no chunk, and a takeover waits for the chunk that is under way.
 *
 * Only the last commit of a table waits for the disk, and with it all before it are durable: a
 * server that crashes loses the newest chunks, each with its progress, and the copy goes on there.
 */
import { finished } from 'node:stream/promises'
import type { CopyStreamQuery } from 'pg-copy-streams'
import copyStreams from 'pg-copy-streams'
import { RehomeError } from '../../errors.ts'
import type { Client } from '../../postgres.ts'
import { idents } from '../../quote.ts'
import { holdFlag } from './flags.ts'
import { type TableProgress, writeProgress } from './progress.ts'
import { binaryHeader, binaryTrailer, type CopyFormat } from './split-rows.ts'
import type { Hold } from './turns.ts'

export interface ChunkTarget {
  /** Schema-qualified and quoted. */
  readonly relation: string
  readonly hold: Hold & { readonly epoch: string }
  /** Name under which progress is stored. */
  readonly table: string
  /** Our role may switch foreign keys and triggers off; they are checked together at the end. */
  readonly replicate: boolean
}

/** Whole rows for COPY, with the columns that they have. */
export interface CopyRows {
  readonly bytes: Buffer
  readonly rows: number
  readonly columns: readonly string[]
  readonly format: CopyFormat
}

export interface ChunkWriter {
  /** Columns are the same each time; another format begins another COPY of the chunk. */
  write(rows: CopyRows): Promise<void>
  /** Commits the rows written since the last commit together with the progress. */
  commit(progress: TableProgress): Promise<void>
}

export function createChunkWriter(client: Client, target: ChunkTarget): ChunkWriter {
  let begun = false
  let open: OpenCopy | null = null
  const begin = async () => {
    if (!begun) await beginChunk(client, target)
    begun = true
  }
  const close = async () => {
    if (open) await closeCopy(open)
    open = null
  }
  return {
    async write(rows) {
      if (open && open.format !== rows.format) await close()
      await begin()
      open ??= openCopy(client, target, rows)
      if (open.failure) throw open.failure
      if (!open.stream.write(rows.bytes)) await drained(open.stream)
    },
    async commit(progress) {
      await begin()
      await close()
      begun = false
      await writeProgress(client, { ...target.hold, table: target.table }, progress)
      if (progress.done) await client.query('set local synchronous_commit = on')
      await client.query('commit')
    },
  }
}

async function beginChunk(client: Client, target: ChunkTarget): Promise<void> {
  const replica = target.replicate ? '; set local session_replication_role = replica' : ''
  await client.query(`begin; set local synchronous_commit = off${replica}`)
  const mode = await holdFlag(client, target.hold)
  if (mode !== 'receiving') {
    const tenant = target.hold.tenant
    const message = `the target is ${mode ?? 'not closed by this attempt'}: no row was written there`
    throw new RehomeError('FENCE_LOST', message, { tenant })
  }
}

interface OpenCopy {
  readonly stream: CopyStreamQuery
  readonly format: CopyFormat
  /** What the server said while nobody was waiting: the stream forgets it. */
  failure: Error | null
}

function openCopy(client: Client, target: ChunkTarget, rows: CopyRows): OpenCopy {
  const { columns, format } = rows
  const into = `${target.relation} (${idents(columns)})`
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
