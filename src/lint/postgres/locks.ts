/**
 * Locks that a statement takes on tables, by the documentation of PostgreSQL. A test compares them
 * with those that a server shows in pg_locks.
 */
import type { AlterTableCmd, AlterTableType, Node, RangeVar } from 'libpg-query'
import { type LockMode, lockModes } from '../rule.ts'
import {
  columnDef,
  constraintDef,
  constraintsOf,
  hasOption,
  nodesIn,
  objectName,
  rowStatementsIn,
  strings,
  tableKey,
  tableOf,
} from './nodes.ts'
import type { Scene } from './scene.ts'
import type { Site } from './site.ts'

export interface Lock {
  readonly table: string
  readonly mode: LockMode
}

export function isStronger(left: LockMode, right: LockMode): boolean {
  return lockModes.indexOf(left) > lockModes.indexOf(right)
}

/** Strongest lock on each table. */
export function locksOf(sites: readonly Site[]): Lock[] {
  const strongest = new Map<string, LockMode>()
  for (const { table, mode } of sites.flatMap(locksAt)) {
    const before = strongest.get(table)
    if (table !== '' && (!before || isStronger(mode, before))) strongest.set(table, mode)
  }
  return [...strongest].map(([table, mode]) => ({ table, mode }))
}

function locksAt({ node, command, table, scene }: Site): Lock[] {
  if ('AlterTableStmt' in node) {
    const { objtype = '' } = node.AlterTableStmt
    if (objtype === 'OBJECT_INDEX' && command?.subtype === 'AT_SetTableSpace')
      return [{ table: tableOfIndex(table, scene), mode: 'SHARE UPDATE EXCLUSIVE' }]
    if (!/^OBJECT_(?:TABLE|MATVIEW)$/.test(objtype) || !command) return []
    return [{ table, mode: modeOfAlter(command) }, ...locksOnOthers(command, { table, scene })]
  }
  const maintained = locksOfMaintenance(node, { table, scene })
  if (maintained) return maintained
  const defined = locksOfDefinition(node, { table, scene })
  return defined ?? locksOfRows(node)
}

interface At {
  readonly table: string
  readonly scene: Scene
}

const shareUpdateExclusive: readonly AlterTableType[] = [
  'AT_ValidateConstraint',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_AttachPartition',
]

function modeOfAlter({ subtype, def }: AlterTableCmd): LockMode {
  if (subtype === undefined) return 'ACCESS EXCLUSIVE'
  if (shareUpdateExclusive.includes(subtype)) return 'SHARE UPDATE EXCLUSIVE'
  if (/^AT_(Enable|Disable)(\w*)Trig/.test(subtype)) return 'SHARE ROW EXCLUSIVE'
  if (
    subtype === 'AT_DetachPartition' &&
    def &&
    'PartitionCmd' in def &&
    def.PartitionCmd.concurrent
  )
    return 'SHARE UPDATE EXCLUSIVE'
  const isForeignKey = constraintDef(def)?.contype === 'CONSTR_FOREIGN'
  return isForeignKey ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE'
}

/** Tables beside the altered one: referenced tables and partitions. */
function locksOnOthers({ subtype, def, name = '' }: AlterTableCmd, { table, scene }: At): Lock[] {
  const column = columnDef(def)
  const constraints = column ? constraintsOf(column) : [constraintDef(def)]
  const referenced = constraints.flatMap((one) => (one?.pktable ? [tableOf(one.pktable)] : []))
  if (referenced.length > 0)
    return referenced.map((other) => ({ table: other, mode: 'SHARE ROW EXCLUSIVE' }))
  const parent = scene.foreignKeys.get(`${table}.${name}`)
  if (parent !== undefined && subtype === 'AT_DropConstraint')
    return [{ table: parent, mode: 'ACCESS EXCLUSIVE' }]
  if (parent !== undefined && subtype === 'AT_ValidateConstraint')
    return [{ table: parent, mode: 'ROW SHARE' }]
  if (!def || !('PartitionCmd' in def)) return []
  const mode = def.PartitionCmd.concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE'
  return [{ table: tableOf(def.PartitionCmd.name), mode }]
}

function locksOfMaintenance(node: Node, { table, scene }: At): Lock[] | null {
  if ('IndexStmt' in node)
    return [{ table, mode: node.IndexStmt.concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE' }]
  if ('ReindexStmt' in node) {
    const { kind, relation, params } = node.ReindexStmt
    const isTable = kind === 'REINDEX_OBJECT_TABLE'
    const own = isTable ? tableOf(relation) : tableOfIndex(tableOf(relation), scene)
    const isConcurrent = hasOption(params, 'concurrently')
    return [{ table: own, mode: isConcurrent ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE' }]
  }
  if ('VacuumStmt' in node) {
    const mode = hasOption(node.VacuumStmt.options, 'full')
      ? 'ACCESS EXCLUSIVE'
      : 'SHARE UPDATE EXCLUSIVE'
    return (node.VacuumStmt.rels ?? []).flatMap((one) =>
      'VacuumRelation' in one ? [{ table: tableOf(one.VacuumRelation.relation), mode }] : [],
    )
  }
  if ('ClusterStmt' in node) return [{ table, mode: 'ACCESS EXCLUSIVE' }]
  if ('RefreshMatViewStmt' in node)
    return [{ table, mode: node.RefreshMatViewStmt.concurrent ? 'EXCLUSIVE' : 'ACCESS EXCLUSIVE' }]
  return null
}

function locksOfDefinition(node: Node, { table, scene }: At): Lock[] | null {
  if ('DropStmt' in node) return locksOfDrop(node.DropStmt, scene)
  if ('RenameStmt' in node) {
    const isTable = /^OBJECT_(TABLE|VIEW|MATVIEW|COLUMN|TABCONSTRAINT|TRIGGER|POLICY)$/
    const renamed = isTable.test(node.RenameStmt.renameType ?? '')
    return renamed ? [{ table, mode: 'ACCESS EXCLUSIVE' }] : []
  }
  if ('AlterObjectSchemaStmt' in node)
    return node.AlterObjectSchemaStmt.objectType === 'OBJECT_TABLE'
      ? [{ table, mode: 'ACCESS EXCLUSIVE' }]
      : []
  if ('CreateTrigStmt' in node) return [{ table, mode: 'SHARE ROW EXCLUSIVE' }]
  if ('CreatePolicyStmt' in node || 'AlterPolicyStmt' in node || 'RuleStmt' in node)
    return [{ table, mode: 'ACCESS EXCLUSIVE' }]
  if ('TruncateStmt' in node) return allOf(node.TruncateStmt.relations, 'ACCESS EXCLUSIVE')
  if ('LockStmt' in node)
    return allOf(node.LockStmt.relations, lockModes[(node.LockStmt.mode ?? 8) - 1] ?? 'SHARE')
  if ('AlterDomainStmt' in node) {
    const { typeName, subtype = '', def } = node.AlterDomainStmt
    const reads = /^[CVO]$/.test(subtype) && !constraintDef(def)?.skip_validation
    return reads ? locksOfDomain(tableKey(strings(typeName)), scene) : []
  }
  if ('CommentStmt' in node) return locksOfComment(node.CommentStmt)
  if ('CreateStatsStmt' in node)
    return allOf(node.CreateStatsStmt.relations, 'SHARE UPDATE EXCLUSIVE')
  if ('CreatePublicationStmt' in node)
    return (node.CreatePublicationStmt.pubobjects ?? []).flatMap((one): Lock[] => {
      const published = 'PublicationObjSpec' in one ? one.PublicationObjSpec.pubtable : undefined
      return published
        ? [{ table: tableOf(published.relation), mode: 'SHARE UPDATE EXCLUSIVE' }]
        : []
    })
  if (!('CreateStmt' in node)) return null
  const parents = node.CreateStmt.partbound
    ? allOf(node.CreateStmt.inhRelations, 'ACCESS EXCLUSIVE')
    : []
  const referenced = [...nodesIn(node)].flatMap((one): Lock[] =>
    'Constraint' in one && one.Constraint.pktable
      ? [{ table: tableOf(one.Constraint.pktable), mode: 'SHARE ROW EXCLUSIVE' }]
      : [],
  )
  return [...parents, ...referenced].filter(
    (lock) => lock.table !== tableOf(node.CreateStmt.relation),
  )
}

function locksOfDomain(domain: string, { columns }: Scene): Lock[] {
  const using = [...columns].flatMap(([table, types]) =>
    [...types.values()].some(({ name }) => name === domain) ? [table] : [],
  )
  const tables = using.length > 0 ? using : [`tables with ${domain}`]
  return tables.map((table) => ({ table, mode: 'SHARE' }))
}

function locksOfComment({ objtype, object }: { objtype?: string; object?: Node }): Lock[] {
  const names = object && 'List' in object ? strings(object.List.items) : []
  const table = objtype === 'OBJECT_COLUMN' ? names.slice(0, -1) : names
  const isTable = objtype === 'OBJECT_COLUMN' || objtype === 'OBJECT_TABLE'
  return isTable ? [{ table: tableKey(table), mode: 'SHARE UPDATE EXCLUSIVE' }] : []
}

/** The words stand in reports for a table that no file names. */
function tableOfIndex(index: string, { indexTables }: Scene): string {
  return indexTables.get(index) ?? `table of index ${index}`
}

function locksOfDrop(
  { objects = [], removeType, concurrent = false }: DropParts,
  scene: Scene,
): Lock[] {
  const names = objects.map(objectName)
  if (removeType === 'OBJECT_TABLE')
    return names.map((table) => ({ table, mode: 'ACCESS EXCLUSIVE' }))
  if (removeType === 'OBJECT_INDEX') {
    const mode = concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE'
    return names.map((index) => ({ table: tableOfIndex(index, scene), mode }))
  }
  if (!/^OBJECT_(?:TRIGGER|POLICY|RULE)$/.test(removeType ?? '')) return []
  return objects.flatMap((one): Lock[] =>
    'List' in one
      ? [{ table: tableKey(strings(one.List.items).slice(0, -1)), mode: 'ACCESS EXCLUSIVE' }]
      : [],
  )
}

interface DropParts {
  readonly objects?: Node[]
  readonly removeType?: string
  readonly concurrent?: boolean
}

/** Locks of statements within WITH, too. */
function locksOfRows(node: Node): Lock[] {
  return rowStatementsIn(node).flatMap((one): Lock[] => {
    const written =
      'UpdateStmt' in one
        ? one.UpdateStmt.relation
        : 'DeleteStmt' in one
          ? one.DeleteStmt.relation
          : 'InsertStmt' in one
            ? one.InsertStmt.relation
            : 'MergeStmt' in one
              ? one.MergeStmt.relation
              : undefined
    return written ? [{ table: tableOf(written), mode: 'ROW EXCLUSIVE' }] : []
  })
}

function allOf(relations: readonly Node[] | undefined, mode: LockMode): Lock[] {
  return (relations ?? [])
    .flatMap((node): RangeVar[] => ('RangeVar' in node ? [node.RangeVar] : []))
    .map((relation) => ({ table: tableOf(relation), mode }))
}
