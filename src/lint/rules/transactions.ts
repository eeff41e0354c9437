/** Rules for timeouts, and for what stands together in one transaction. */

import type { Node } from 'libpg-query'
import { isStronger, locksOf } from '../postgres/locks.ts'
import { nodesIn, tableOf } from '../postgres/nodes.ts'
import { type PostgresRule, type Site, sitesOf } from '../postgres/site.ts'
import type { LockMode } from '../rule.ts'
import { timeout } from './common-steps.ts'

/** Locks on tables that existed before and that writers wait for. */
function blockingLocks({ statement, scene }: Site) {
  return locksOf(sitesOf(statement, scene)).filter(
    ({ table, mode }) => !scene.isNew(table) && isStronger(mode, 'SHARE UPDATE EXCLUSIVE'),
  )
}

const readersWait = (mode: LockMode) => mode === 'ACCESS EXCLUSIVE'

export const transactionRules: readonly PostgresRule[] = [
  {
    code: 'lock-timeout',
    level: 'warning',
    title: 'lock on {object} is waited for without a lock_timeout of at most 10 s',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The statement waits for the longest running query on the table, and every later query waits ' +
      'behind it, reads included. An instant change becomes an outage as long as that query.',
    example: 'ALTER TABLE orders ADD COLUMN remark text;',
    steps: [
      {
        does: 'Wait for 2 seconds at most, and run the migration again when it fails.',
        sql: `${timeout}\n{=statement}`,
      },
    ],
    find(site) {
      const { scene, first, statement } = site
      if (!first || scene.lockTimeout === 'set' || scene.timeoutReported) return null
      const [lock] = blockingLocks(site)
      return lock ? { object: lock.table, statement: `${statement.text.replace(/;$/, '')};` } : null
    },
  },
  {
    code: 'tables-locked-together',
    level: 'warning',
    title: 'tables {other} and {object} are locked in one transaction',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The first lock is held while the second is waited for. Transactions of the application that ' +
      'use the tables in the other order deadlock with the migration.',
    example:
      "SET lock_timeout = '2s';\nBEGIN;\nALTER TABLE orders ADD COLUMN remark text;\n" +
      'ALTER TABLE customers ADD COLUMN remark text;\nCOMMIT;',
    steps: [{ does: 'Change one table in a transaction: a migration for each.' }],
    find(site) {
      const { transaction } = site.scene
      if (!transaction || !site.first || 'LockStmt' in site.node) return null
      const locks = blockingLocks(site).filter(({ mode }) => readersWait(mode))
      const object = locks.find(({ table }) => !transaction.locked.has(table))?.table
      const [other] = [...transaction.locked].flatMap(([table, mode]) =>
        readersWait(mode) && table !== object ? [table] : [],
      )
      return object !== undefined && other !== undefined ? { object, other } : null
    },
  },
  {
    code: 'rows-changed-under-lock',
    level: 'error',
    title: 'rows of {object} are read or changed while the transaction has a lock on {other}',
    lock: null,
    cost: 'scan',
    breaks:
      'Queries on the locked table wait until the statement has read or changed the rows, however many ' +
      'there are, and until the transaction commits. So it is with a backfill, VALIDATE CONSTRAINT, ' +
      'REFRESH, CREATE TABLE AS, and SELECT from a table.',
    example:
      "SET lock_timeout = '2s';\nBEGIN;\nALTER TABLE orders ADD COLUMN remark text;\n" +
      "UPDATE customers SET name = 'x' WHERE id = 1;\nCOMMIT;",
    steps: [
      {
        does: 'Commit the change of the schema first. Do the rest in later transactions, in batches.',
      },
    ],
    find({ node, scene, first, command, table }) {
      const [other] = [...(scene.transaction?.locked ?? [])].flatMap(([table, mode]) =>
        isStronger(mode, 'SHARE UPDATE EXCLUSIVE') ? [table] : [],
      )
      if (!first || other === undefined) return null
      const isValidated = command?.subtype === 'AT_ValidateConstraint' && table !== other
      const object = isValidated ? table : longWork(node)
      return object !== null && !scene.isNew(object) ? { object, other } : null
    },
  },
  {
    code: 'table-locked',
    level: 'warning',
    title: 'table {object} is locked by LOCK TABLE',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks: 'Queries that conflict with the lock wait until the transaction ends.',
    example: "SET lock_timeout = '2s';\nBEGIN;\nLOCK TABLE orders;\nCOMMIT;",
    steps: [
      {
        does: 'Let each statement take the lock that it needs, with a short lock_timeout, and retry.',
      },
    ],
    find(site) {
      if (!('LockStmt' in site.node)) return null
      const [lock] = blockingLocks(site)
      return lock ? { object: lock.table } : null
    },
  },
]

/** Table whose rows the statement reads or changes, however many they are. */
function longWork(node: Site['node']): string | null {
  if ('RefreshMatViewStmt' in node) return tableOf(node.RefreshMatViewStmt.relation)
  if ('CreateTableAsStmt' in node) return readTable(node.CreateTableAsStmt.query)
  return 'SelectStmt' in node ? readTable(node) : changedRows(node)
}

/** A LIMIT, or a catalogue, ends soon. */
function readTable(query: Node | undefined): string | null {
  if (!query || !('SelectStmt' in query) || query.SelectStmt.limitCount) return null
  const [from] = query.SelectStmt.fromClause ?? []
  const read = [...nodesIn(from)].flatMap((one) =>
    'RangeVar' in one ? [tableOf(one.RangeVar)] : [],
  )
  return read.find((name) => !/^(?:pg_|information_schema\.)/.test(name)) ?? null
}

function changedRows(node: Site['node']): string | null {
  if ('UpdateStmt' in node) return tableOf(node.UpdateStmt.relation)
  if ('DeleteStmt' in node) return tableOf(node.DeleteStmt.relation)
  if ('CopyStmt' in node && node.CopyStmt.is_from) return tableOf(node.CopyStmt.relation)
  if (!('InsertStmt' in node)) return null
  const { selectStmt, relation } = node.InsertStmt
  const isList = selectStmt && 'SelectStmt' in selectStmt && selectStmt.SelectStmt.valuesLists
  return isList ? null : tableOf(relation)
}
