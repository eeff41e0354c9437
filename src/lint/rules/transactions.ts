/** Rules for timeouts, and for what stands together in one transaction. */

import type { Node } from 'libpg-query'
import { isStronger, locksOf } from '../postgres/locks.ts'
import { nodesIn, tableOf } from '../postgres/nodes.ts'
import { type PostgresRules, type Site, sitesOf } from '../postgres/site.ts'
import type { LockMode } from '../rule.ts'

/** Locks on tables that existed before and that writers wait for. */
function blockingLocks({ statement, scene }: Site) {
  return locksOf(sitesOf(statement, scene)).filter(
    ({ table, mode }) => !scene.isNew(table) && isStronger(mode, 'SHARE UPDATE EXCLUSIVE'),
  )
}

const readersWait = (mode: LockMode) => mode === 'ACCESS EXCLUSIVE'

export const transactionRules: PostgresRules = {
  'lock-timeout'(site) {
    const { scene, first, statement } = site
    if (!first || scene.lockTimeout === 'set' || scene.timeoutReported) return null
    const [lock] = blockingLocks(site)
    return lock ? { object: lock.table, statement: `${statement.text.replace(/;$/, '')};` } : null
  },
  'tables-locked-together'(site) {
    const { transaction } = site.scene
    if (!transaction || !site.first || 'LockStmt' in site.node) return null
    const locks = blockingLocks(site).filter(({ mode }) => readersWait(mode))
    const object = locks.find(({ table }) => !transaction.locked.has(table))?.table
    const [other] = [...transaction.locked].flatMap(([table, mode]) =>
      readersWait(mode) && table !== object ? [table] : [],
    )
    return object !== undefined && other !== undefined ? { object, other } : null
  },
  'rows-changed-under-lock'({ node, scene, first, command, table }) {
    const [other] = [...(scene.transaction?.locked ?? [])].flatMap(([table, mode]) =>
      isStronger(mode, 'SHARE UPDATE EXCLUSIVE') ? [table] : [],
    )
    if (!first || other === undefined) return null
    const isValidated = command?.subtype === 'AT_ValidateConstraint' && table !== other
    const object = isValidated ? table : longWork(node)
    return object !== null && !scene.isNew(object) ? { object, other } : null
  },
  'table-locked'(site) {
    if (!('LockStmt' in site.node)) return null
    const [lock] = blockingLocks(site)
    return lock ? { object: lock.table } : null
  },
}

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
