/**
 * Whether rows that are read twice, once for the copy and once for the comparison, are those that
 * the source has. Where both reads go the same way, what one loses the other may lose, too; so the
 * source makes a digest of its own, in one statement, and the second read is held against it.
 */

import { tenantRows } from '../attempt/planned-rows.ts'
import type { Shard } from '../attempt/shard.ts'
import { differingBuckets } from '../ends/digest.ts'
import type { Ends } from '../ends/end.ts'
import {
  md5Probe,
  ReadDigest,
  ReadHashes,
  type ReadRows,
  readCompared,
  readRowsOf,
} from '../ends/read-digest.ts'
import type { Side } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import { heard } from '../parallel.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import type { Route } from '../plan/routing/route.ts'
import { type Difference, differencesOf } from './differences.ts'

/** Rows are read for the comparison in the same way as for the copy: as texts, page by page. */
function isReadTwice({ source, target }: Ends, route: Route): boolean {
  if (!source.sql || !target.sql) return true
  return Boolean(route.stream || route.plan.quarantine || hasNewIds(route))
}

export interface ReadCheck {
  /** Given every page of the one read that `differences` is about. */
  readonly onRead: (rows: readonly Texts[]) => void
  /**
   * Keys of the source whose rows were not read as they are. `again` reads all of it once more.
   */
  differences(again: () => Promise<unknown>): Promise<readonly Difference[]>
}

/** null: the source makes no such digest, or need not. */
export function readCheckOf(shard: Shard, route: Route): ReadCheck | null {
  const { source } = shard.ends
  if (!source.digests || !isReadTwice(shard.ends, route)) return null
  if (shard.survey.source.digestProbes.md5 !== md5Probe) return null
  const rows = readRowsOf(route)
  // While the source is written, only keys distinguish rows that changed from others.
  if (!rows || (!rows.isKeyed && shard.plan.strategy === 'online')) return null
  const own = source.digests.side(readCompared(rows, tenantRows(shard, route, 'source')))
  return checkAgainst(own, rows)
}

function checkAgainst(own: Side, rows: ReadRows): ReadCheck {
  const digest = new ReadDigest(rows)
  // Asked for while the rows are read.
  let buckets: ReturnType<Side['buckets']> | null = null
  let onRead = (page: readonly Texts[]) => digest.add(page)
  const ownBuckets = () => {
    buckets ??= heard(own.buckets())
    return buckets
  }
  return {
    onRead: (page) => {
      void ownBuckets()
      onRead(page)
    },
    async differences(again) {
      const some = differingBuckets(await ownBuckets(), digest.buckets())
      if (some.length === 0) return []
      const read = new ReadHashes(rows, some)
      onRead = (page) => read.add(page)
      const [expected] = await Promise.all([own.hashes(some), again()])
      return differencesOf({ expected, found: read.hashes })
    },
  }
}
