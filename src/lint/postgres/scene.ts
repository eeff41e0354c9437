/**
 * The schema as the migrations before a statement have left it, and the transaction that it is in.
 *
 * It spans files in their order: a CHECK that an earlier migration has validated makes a later SET
 * NOT NULL instant. It knows nothing of tables that no file has made.
 */
import type { AlterTableCmd, Constraint, Node, RenameStmt, VariableSetStmt } from 'libpg-query'
import { type LockMode, lockModes } from '../rule.ts'
import type { SourceFile } from '../source-file.ts'
import {
  type ColumnType,
  columnDef,
  columnsNotNullBy,
  constraintDef,
  constraintsOf,
  integerOf,
  objectName,
  strings,
  tableKey,
  tableOf,
  textOf,
  typeOf,
} from './nodes.ts'
import type { Statement } from './parse.ts'

type LockTimeout = 'missing' | 'long' | 'set'

interface Transaction {
  /** Timeout that COMMIT brings back after SET LOCAL. */
  readonly lockTimeoutBefore: LockTimeout
  /** Tables that were not created in this file → strongest lock so far. */
  readonly locked: Map<string, LockMode>
  /** `table.constraint` of constraints added NOT VALID. */
  readonly unvalidated: Set<string>
  /** Values that were added to enum types → the type. */
  readonly enumValues: Map<string, string>
}

type FileSettings = Pick<SourceFile, 'wrapping' | 'waitsShortly'>

interface Check {
  /** A CHECK; else NOT NULL. */
  readonly isCheck: boolean
  readonly columnsNotNull: readonly string[]
  valid: boolean
}

export interface SceneOptions {
  /** 14.03 is 14.3, and 14.99 the newest 14. */
  readonly version: number
  /** Tables of a plan: they have guards of rehome. */
  readonly planned: ReadonlySet<string>
}

export class Scene {
  readonly options: SceneOptions
  readonly columns = new Map<string, Map<string, ColumnType>>()
  readonly checks = new Map<string, Map<string, Check>>()
  readonly indexTables = new Map<string, string>()
  readonly indexColumns = new Map<string, readonly string[]>()
  /** `table.constraint` → referenced table. */
  readonly foreignKeys = new Map<string, string>()
  readonly constrainedDomains = new Set<string>()
  /** Tables that this file has created. */
  readonly created = new Set<string>()
  readonly droppedIndexes = new Set<string>()
  lockTimeout: LockTimeout = 'missing'
  /** A file without lock_timeout is reported once, at its first lock. */
  timeoutReported = false
  transaction: Transaction | null = null

  constructor(options: SceneOptions) {
    this.options = options
  }

  beginFile({ wrapping, waitsShortly = false }: FileSettings, statements: number): void {
    this.created.clear()
    this.droppedIndexes.clear()
    this.lockTimeout = waitsShortly ? 'set' : 'missing'
    this.timeoutReported = false
    const wrapped = wrapping === 'whole' || (wrapping === 'implicit' && statements > 1)
    this.transaction = wrapped ? this.#newTransaction() : null
  }

  /** Is the table new, or not known to be a table? Then no query waits for its lock. */
  isNew(table: string): boolean {
    return table === '' || this.created.has(table)
  }

  /** Has the column a valid CHECK that it is not null? */
  isCheckedNotNull(table: string, column: string): boolean {
    return [...(this.checks.get(table)?.values() ?? [])].some(
      (check) => check.valid && check.columnsNotNull.includes(column),
    )
  }

  /** A DO block is a transaction of its own. */
  within<T>(work: () => T): T {
    const before = this.transaction
    this.transaction ??= this.#newTransaction()
    const result = work()
    this.transaction = before
    return result
  }

  /** Notes locks that stay until the end of the transaction. */
  noteLocks(locks: readonly { table: string; mode: LockMode }[]): void {
    for (const { table, mode } of locks) {
      const before = this.transaction?.locked.get(table)
      const isWeaker = before && lockModes.indexOf(before) >= lockModes.indexOf(mode)
      if (!this.isNew(table) && !isWeaker) this.transaction?.locked.set(table, mode)
    }
  }

  apply({ node }: Statement): void {
    if ('TransactionStmt' in node) this.#applyTransaction(node.TransactionStmt.kind)
    else if ('VariableSetStmt' in node) this.#applySetting(node.VariableSetStmt)
    else if ('CreateStmt' in node) this.#create(node.CreateStmt.relation, node.CreateStmt.tableElts)
    else if ('CreateTableAsStmt' in node) this.#create(node.CreateTableAsStmt.into?.rel, [])
    else if ('AlterTableStmt' in node) this.#alter(node.AlterTableStmt)
    else if ('RenameStmt' in node) this.#rename(node.RenameStmt)
    else if ('IndexStmt' in node) {
      const { idxname = '', relation, indexParams = [] } = node.IndexStmt
      this.indexTables.set(idxname, tableOf(relation))
      const columns = indexParams.map((one) => ('IndexElem' in one ? one.IndexElem.name : ''))
      this.indexColumns.set(
        idxname,
        columns.map((name) => name ?? ''),
      )
    } else if ('DropStmt' in node && node.DropStmt.removeType === 'OBJECT_INDEX') {
      for (const object of node.DropStmt.objects ?? []) this.droppedIndexes.add(objectName(object))
    } else if ('CreateDomainStmt' in node) {
      const { domainname, constraints = [] } = node.CreateDomainStmt
      if (constraints.length > 0) this.constrainedDomains.add(tableKey(strings(domainname)))
    } else if ('AlterEnumStmt' in node) {
      const { newVal = '', typeName } = node.AlterEnumStmt
      this.transaction?.enumValues.set(newVal, tableKey(strings(typeName)))
    } else if ('SelectStmt' in node) {
      if (node.SelectStmt.intoClause) this.#create(node.SelectStmt.intoClause.rel, [])
      this.#applySetConfig(node)
    }
  }

  #applyTransaction(kind: string | undefined): void {
    if (kind === 'TRANS_STMT_BEGIN' || kind === 'TRANS_STMT_START')
      this.transaction ??= this.#newTransaction()
    else if (/COMMIT|ROLLBACK$|PREPARE$/.test(kind ?? '')) {
      this.lockTimeout = this.transaction?.lockTimeoutBefore ?? this.lockTimeout
      this.transaction = null
    }
  }

  #newTransaction(): Transaction {
    const { lockTimeout: lockTimeoutBefore } = this
    const maps = { locked: new Map(), unvalidated: new Set<string>(), enumValues: new Map() }
    return { ...maps, lockTimeoutBefore }
  }

  #applySetting({ name, args, is_local: isLocal }: VariableSetStmt): void {
    if (name !== 'lock_timeout') return
    const [value] = args ?? []
    this.#setLockTimeout(textOf(value) ?? String(integerOf(value) ?? floatOf(value) ?? '0'))
    const { transaction, lockTimeout: lockTimeoutBefore } = this
    if (transaction && !isLocal) this.transaction = { ...transaction, lockTimeoutBefore }
  }

  /** A new table stays new under another name, and an index keeps its table. */
  #rename({ renameType, relation, newname = '' }: RenameStmt): void {
    const before = tableOf(relation)
    const after = tableOf({ ...relation, relname: newname })
    if (renameType === 'OBJECT_TABLE') {
      if (this.created.delete(before)) this.created.add(after)
      else this.created.delete(after)
      for (const map of [this.columns, this.checks]) renameKey<unknown>(map, before, after)
    } else if (renameType === 'OBJECT_INDEX') {
      renameKey(this.indexTables, before, newname)
      renameKey(this.indexColumns, before, newname)
    }
  }

  #applySetConfig(node: Node): void {
    const call = JSON.stringify(node)
    const match = /"sval":"lock_timeout"\}.{0,80}?"sval":\{"sval":"(\w+)"/.exec(call)
    if (/"set_config"/.test(call) && match?.[1]) this.#setLockTimeout(match[1])
  }

  #setLockTimeout(text: string): void {
    const [, number = '0', unit = 'ms'] = /^\s*([\d.]+)\s*(\w*)/.exec(text) ?? []
    const ms = Math.round(Number(number) * (unitMs[unit || 'ms'] ?? 1))
    this.lockTimeout = ms === 0 ? 'missing' : ms > longestTimeoutMs ? 'long' : 'set'
  }

  #create(relation: Parameters<typeof tableOf>[0], elements: readonly Node[] | undefined): void {
    const table = tableOf(relation)
    this.created.add(table)
    for (const element of elements ?? []) {
      const column = columnDef(element)
      if (column) this.#addColumn(table, column)
      const constraint = constraintDef(element)
      if (constraint) this.#addConstraint(table, constraint)
    }
  }

  #addColumn(table: string, column: NonNullable<ReturnType<typeof columnDef>>): void {
    this.#setType(table, column.colname ?? '', typeOf(column.typeName))
    const keys = [{ String: { sval: column.colname ?? '' } }]
    for (const constraint of constraintsOf(column))
      this.#addConstraint(table, { keys, ...constraint })
  }

  #setType(table: string, column: string, type: ColumnType): void {
    const columns = this.columns.get(table) ?? new Map<string, ColumnType>()
    this.columns.set(table, columns.set(column, type))
  }

  #addConstraint(table: string, constraint: Constraint): void {
    const { contype, conname = '', skip_validation: later = false, raw_expr, keys } = constraint
    if (later) this.transaction?.unvalidated.add(`${table}.${conname}`)
    if (contype === 'CONSTR_FOREIGN')
      this.foreignKeys.set(`${table}.${conname}`, tableOf(constraint.pktable))
    if (contype !== 'CONSTR_CHECK' && contype !== 'CONSTR_NOTNULL') return
    const columnsNotNull = contype === 'CONSTR_CHECK' ? columnsNotNullBy(raw_expr) : strings(keys)
    const checks = this.checks.get(table) ?? new Map<string, Check>()
    const isCheck = contype === 'CONSTR_CHECK'
    const name = conname || `${columnsNotNull.join('_')} ${contype}`
    this.checks.set(table, checks.set(name, { isCheck, columnsNotNull, valid: !later }))
  }

  #alter(statement: { relation?: Parameters<typeof tableOf>[0]; cmds?: Node[] }): void {
    const table = tableOf(statement.relation)
    for (const node of statement.cmds ?? [])
      if ('AlterTableCmd' in node) this.#alterBy(table, node.AlterTableCmd)
  }

  #alterBy(table: string, { subtype, name = '', def }: AlterTableCmd): void {
    const column = columnDef(def)
    const constraint = constraintDef(def)
    if (subtype === 'AT_AddColumn' && column) this.#addColumn(table, column)
    else if (subtype === 'AT_AlterColumnType' && column)
      this.#setType(table, name, typeOf(column.typeName))
    else if (subtype === 'AT_AddConstraint' && constraint) this.#addConstraint(table, constraint)
    else if (subtype === 'AT_DropConstraint') this.checks.get(table)?.delete(name)
    else if (subtype === 'AT_DropNotNull') this.checks.get(table)?.delete(`${name} CONSTR_NOTNULL`)
    else if (subtype === 'AT_SetNotNull')
      this.#addConstraint(table, {
        contype: 'CONSTR_NOTNULL',
        keys: [{ String: { sval: name } }],
      })
    else if (subtype === 'AT_ValidateConstraint') {
      const check = this.checks.get(table)?.get(name)
      if (check) check.valid = true
    }
  }
}

const longestTimeoutMs = 10_000
const unitMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

function floatOf(node: Node | undefined): string | undefined {
  return node && 'A_Const' in node ? node.A_Const.fval?.fval : undefined
}

function renameKey<T>(map: Map<string, T>, before: string, after: string): void {
  const value = map.get(before)
  map.delete(after)
  if (value !== undefined) map.set(after, value)
  map.delete(before)
}
