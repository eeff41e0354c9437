/** Rules for CREATE INDEX, DROP INDEX and REINDEX. */
import type { IndexStmt } from 'libpg-query'
import { hasOption, tableOf } from '../postgres/nodes.ts'
import { alters, drops, type PostgresRule, type Site } from '../postgres/site.ts'
import { concurrentIndex } from './common-steps.ts'

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

export const indexRules: readonly PostgresRule[] = [
  {
    code: 'index-not-concurrent',
    level: 'error',
    title: 'index {index} on {table} is built without CONCURRENTLY',
    lock: 'SHARE',
    cost: 'build',
    breaks:
      'Writes to the table wait until the index is built. Reads go on. A partitioned table refuses ' +
      'CONCURRENTLY: create the index ON ONLY the table, then one with CONCURRENTLY on each ' +
      'partition, and attach those with ALTER INDEX … ATTACH PARTITION.',
    example: 'CREATE INDEX orders_day ON orders (day);',
    steps: [concurrentIndex()],
    find(site) {
      const index = newIndex(site)
      // ONLY a partitioned table: its index has no rows to read.
      const isWhole = index?.relation?.inh === true
      return index && isWhole && !index.concurrent ? namesOf(index) : null
    },
  },
  {
    code: 'concurrently-in-transaction',
    level: 'error',
    title: 'CONCURRENTLY stands in a transaction',
    lock: null,
    cost: 'instant',
    breaks:
      'PostgreSQL refuses the statement. Several statements that are sent as one query are one ' +
      'transaction, too, and so are all statements of a file in most migration tools.',
    example: 'BEGIN;\nCREATE INDEX CONCURRENTLY orders_day ON orders (day);\nCOMMIT;',
    steps: [
      {
        does:
          'Put it alone into a migration without a transaction: `disable_ddl_transaction!` (Rails), a ' +
          'file with this statement alone (Prisma, golang-migrate, Flyway), a script beside the ' +
          'migrations (Drizzle), `-- migrate:up transaction:false` (dbmate), `-- +goose NO TRANSACTION`.',
      },
    ],
    find(site) {
      return site.scene.transaction && site.first && isConcurrent(site) ? {} : null
    },
  },
  {
    code: 'invalid-index-kept',
    level: 'warning',
    title: 'index {index} may be an invalid one: IF NOT EXISTS keeps what a failed build has left',
    lock: 'SHARE UPDATE EXCLUSIVE',
    cost: 'build',
    breaks:
      'A build with CONCURRENTLY that fails leaves an index that is marked invalid. It is kept up to ' +
      'date by every write and used by no query. The next run sees its name and does nothing.',
    example: 'CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_day ON orders (day);',
    steps: [concurrentIndex()],
    find(site) {
      const index = newIndex(site)
      if (!index?.concurrent || !index.if_not_exists) return null
      return site.scene.droppedIndexes.has(index.idxname ?? '') ? null : namesOf(index)
    },
  },
  {
    code: 'index-concurrent-damages',
    level: 'error',
    title: 'index {index} is built with CONCURRENTLY on PostgreSQL 14.0 to 14.3',
    lock: 'SHARE UPDATE EXCLUSIVE',
    cost: 'build',
    breaks: 'These versions may leave rows out of the index. Queries then miss rows.',
    safeFrom: 'PostgreSQL 14.4',
    example: 'CREATE INDEX CONCURRENTLY orders_day ON orders (day);',
    exampleVersion: '14.2',
    steps: [{ does: 'Update the server to the newest minor version of 14 first.' }],
    find(site) {
      const index = newIndex(site)
      const { version } = site.scene.options
      const isDamaging = version >= 14 && version < 14.04
      return index?.concurrent && isDamaging ? namesOf(index) : null
    },
  },
  {
    code: 'index-dropped',
    level: 'error',
    title: 'index {index} is dropped without CONCURRENTLY',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'All queries on the table wait for the lock, and for the longest query that is running. Queries ' +
      'that used the index read the whole table from then on.',
    example: 'DROP INDEX orders_number;',
    steps: [
      {
        does: 'Find out whether the index is used: idx_scan should not grow.',
        sql: "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{=index}';",
      },
      {
        does: 'Drop it outside of a transaction. A replacement is built before.',
        sql: 'SET lock_timeout = 0;\nDROP INDEX CONCURRENTLY {index};',
      },
    ],
    find(site) {
      const { node, scene } = site
      const isConcurrent = 'DropStmt' in node && node.DropStmt.concurrent
      const [index] = drops(site, 'OBJECT_INDEX').filter(
        (name) => !scene.created.has(scene.indexTables.get(name) ?? name),
      )
      return index !== undefined && !isConcurrent ? { index } : null
    },
  },
  {
    code: 'reindex-not-concurrent',
    level: 'error',
    title: 'REINDEX of {object} without CONCURRENTLY',
    lock: 'SHARE',
    cost: 'build',
    breaks: 'Writes wait until the index is built, and so do queries that would use the index.',
    safeFrom: 'PostgreSQL 12 with CONCURRENTLY',
    example: 'REINDEX TABLE orders;',
    steps: [
      {
        does: 'Rebuild beside reads and writes, outside of a transaction.',
        sql: 'SET lock_timeout = 0;\nREINDEX {=kind} CONCURRENTLY {object};',
      },
    ],
    find({ node }) {
      if (!('ReindexStmt' in node)) return null
      const { relation, kind = '', params, name = '' } = node.ReindexStmt
      if (hasOption(params, 'concurrently')) return null
      return {
        object: relation ? tableOf(relation) : name,
        kind: kind.replace('REINDEX_OBJECT_', ''),
      }
    },
  },
]

function isConcurrent(site: Site): boolean {
  const { node } = site
  if ('IndexStmt' in node) return node.IndexStmt.concurrent ?? false
  if ('DropStmt' in node) return node.DropStmt.concurrent ?? false
  if ('ReindexStmt' in node) return hasOption(node.ReindexStmt.params, 'concurrently')
  const def = alters(site, 'AT_DetachPartition')?.def
  return def !== undefined && 'PartitionCmd' in def && (def.PartitionCmd.concurrent ?? false)
}
