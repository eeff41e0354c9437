/**
 * Writes rows to the target as a sequence of transactions, each one COPY and its progress row.
 *
 * Each transaction first locks the tenant's flag under our token: a worker that was taken over can
 * begin no chunk, and a takeover waits for the chunk that is under way.
 *
 * Only the last commit of a table waits for the disk, and with it all before it are durable: a
 * server that crashes loses the newest chunks, each with its progress, and the copy goes on there.
 */

import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { Client } from '../../../postgres.ts'
import type { CopyRows } from '../../../values/sent-rows.ts'
import type { SqlEnd } from '../../end.ts'
import type { Hold } from '../../flags.ts'
import type { Quarantined, TableProgress } from '../../rows.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { beginReceiving } from '../fence/holds.ts'
import { copyInto } from './copy-into.ts'
import { commitProgress } from './progress.ts'
import { writeQuarantined } from './quarantine.ts'

export interface ChunkTarget {
  readonly end: SqlEnd
  readonly table: CatalogTable
  readonly hold: Hold & { readonly epoch: string }
  /** Our role may switch foreign keys and triggers off; they are checked together at the end. */
  readonly replicate: boolean
}

export interface ChunkWriter {
  write(rows: CopyRows): Promise<void>
  /** Commits the rows written since the last commit together with the progress. */
  commit(progress: TableProgress, quarantined?: readonly Quarantined[]): Promise<void>
}

export function createChunkWriter(client: Client, target: ChunkTarget): ChunkWriter {
  const copy = copyInto(client, { schema: target.end.schema, table: target.table })
  const of = { ...target.hold, table: target.table.name }
  let begun = false
  const begin = async () => {
    if (!begun) await beginChunk(client, target)
    begun = true
  }
  return {
    async write(rows) {
      await begin()
      await copy.write(rows)
    },
    async commit(progress, quarantined = []) {
      await begin()
      await copy.end()
      begun = false
      await writeQuarantined(client, of, quarantined)
      await commitProgress(client, of, progress)
    },
  }
}

async function beginChunk(client: Client, target: ChunkTarget): Promise<void> {
  const begin = beginWriting({ replicate: target.replicate, commits: 'later' })
  await beginReceiving(client, target.hold, { end: target.end, begin })
}
