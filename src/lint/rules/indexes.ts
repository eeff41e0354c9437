/** Rules for CREATE INDEX, DROP INDEX and REINDEX. */
import type { IndexStmt } from 'libpg-query'
import { hasOption, tableOf } from '../postgres/nodes.ts'
import { alters, drops, type PostgresRules, type Site } from '../postgres/site.ts'

function newIndex({ node, table, scene }: Site): IndexStmt | null {
  return 'IndexStmt' in node && !scene.isNew(table) ? node.IndexStmt : null
}

function namesOf({ idxname, indexParams = [], relation }: IndexStmt) {
  const columns = indexParams.flatMap((one) =>
    'IndexElem' in one ? [one.IndexElem.name ?? '(…)'] : [],
  )
  const parts = [relation?.relname ?? '', ...columns.filter((name) => name !== '(…)'), 'idx']
  return { index: idxname ?? parts.join('_'), columns: columns.join(', ') }
}

export const indexRules: PostgresRules = {
  'index-not-concurrent'(site) {
    const index = newIndex(site)
    // ONLY a partitioned table: its index has no rows to read.
    const isWhole = index?.relation?.inh === true
    return index && isWhole && !index.concurrent ? namesOf(index) : null
  },
  'concurrently-in-transaction'(site) {
    return site.scene.transaction && site.first && isConcurrent(site) ? {} : null
  },
  'invalid-index-kept'(site) {
    const index = newIndex(site)
    if (!index?.concurrent || !index.if_not_exists) return null
    return site.scene.droppedIndexes.has(index.idxname ?? '') ? null : namesOf(index)
  },
  'index-concurrent-damages'(site) {
    const index = newIndex(site)
    const { version } = site.scene.options
    const isDamaging = version >= 14 && version < 14.04
    return index?.concurrent && isDamaging ? namesOf(index) : null
  },
  'index-dropped'(site) {
    const { node, scene } = site
    const isConcurrent = 'DropStmt' in node && node.DropStmt.concurrent
    const [index] = drops(site, 'OBJECT_INDEX').filter(
      (name) => !scene.created.has(scene.indexTables.get(name) ?? name),
    )
    return index !== undefined && !isConcurrent ? { index } : null
  },
  'reindex-not-concurrent'({ node }) {
    if (!('ReindexStmt' in node)) return null
    const { relation, kind = '', params, name = '' } = node.ReindexStmt
    if (hasOption(params, 'concurrently')) return null
    return {
      object: relation ? tableOf(relation) : name,
      kind: kind.replace('REINDEX_OBJECT_', ''),
    }
  },
}

function isConcurrent(site: Site): boolean {
  const { node } = site
  if ('IndexStmt' in node) return node.IndexStmt.concurrent ?? false
  if ('DropStmt' in node) return node.DropStmt.concurrent ?? false
  if ('ReindexStmt' in node) return hasOption(node.ReindexStmt.params, 'concurrently')
  const def = alters(site, 'AT_DetachPartition')?.def
  return def !== undefined && 'PartitionCmd' in def && (def.PartitionCmd.concurrent ?? false)
}
