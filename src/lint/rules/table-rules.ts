/** Rules for whole tables and schemas: dropped, renamed, emptied, rewritten. */
import { hasOption, tableOf } from '../postgres/nodes.ts'
import type { Scene } from '../postgres/scene.ts'
import { alters, drops, type PostgresRules } from '../postgres/site.ts'

/** An index of a table of this file, or that table itself. */
const isOfNewTable = (scene: Scene, name: string) =>
  scene.isNew(scene.indexTables.get(name) ?? name)

const cascadeOf = (behavior: string | undefined) => behavior === 'DROP_CASCADE'

export const tableRules: PostgresRules = {
  'table-dropped'(site) {
    const [object] = drops(site, 'OBJECT_TABLE')
    return object === undefined ? null : { object }
  },
  'drop-cascades'({ node, command, scene }) {
    if ('DropStmt' in node) return cascadeOf(node.DropStmt.behavior) ? {} : null
    if ('DropOwnedStmt' in node) return {}
    const isDrop =
      'AlterTableStmt' in node &&
      command?.subtype?.startsWith('AT_Drop') &&
      !scene.isNew(tableOf(node.AlterTableStmt.relation))
    return isDrop && cascadeOf(command?.behavior) ? {} : null
  },
  'table-renamed'({ node, table, scene }) {
    if (!('RenameStmt' in node) || scene.isNew(table)) return null
    const { renameType = '', newname = '' } = node.RenameStmt
    return /^OBJECT_(?:TABLE|VIEW|MATVIEW)$/.test(renameType) ? { renamed: newname } : null
  },
  'schema-renamed'({ node, table, scene }) {
    if ('RenameStmt' in node && node.RenameStmt.renameType === 'OBJECT_SCHEMA')
      return { object: node.RenameStmt.subname ?? '' }
    if (!('AlterObjectSchemaStmt' in node) || scene.isNew(table)) return null
    const { objectType } = node.AlterObjectSchemaStmt
    return objectType === 'OBJECT_TABLE' ? { object: table } : null
  },
  'schema-dropped'(site) {
    const { node } = site
    if ('DropdbStmt' in node) return { object: node.DropdbStmt.dbname ?? '' }
    const [object] = drops(site, 'OBJECT_SCHEMA')
    return object === undefined ? null : { object }
  },
  'table-truncated'({ node, scene }) {
    if (!('TruncateStmt' in node)) return null
    const tables = (node.TruncateStmt.relations ?? []).flatMap((one) =>
      'RangeVar' in one ? [tableOf(one.RangeVar)] : [],
    )
    const [object] = tables.filter((table) => !scene.isNew(table))
    return object === undefined ? null : { object }
  },
  'table-rewritten'(site) {
    const types = [
      'AT_SetTableSpace',
      'AT_SetLogged',
      'AT_SetUnLogged',
      'AT_SetAccessMethod',
    ] as const
    if (alters(site, ...types)) return { object: site.table }
    const { node, command, scene, table } = site
    if ('AlterTableMoveAllStmt' in node)
      return { object: `all of tablespace ${node.AlterTableMoveAllStmt.orig_tablespacename}` }
    if (command?.subtype === 'AT_SetTableSpace' && !isOfNewTable(scene, table))
      return { object: table }
    if ('ClusterStmt' in node) return { object: site.table || 'all clustered tables' }
    if (!('VacuumStmt' in node) || !hasOption(node.VacuumStmt.options, 'full')) return null
    const [one] = node.VacuumStmt.rels ?? []
    const relation = one && 'VacuumRelation' in one ? one.VacuumRelation.relation : undefined
    return { object: relation ? tableOf(relation) : 'all tables' }
  },
  'view-refreshed'({ node, table, scene }) {
    if (!('RefreshMatViewStmt' in node) || scene.isNew(table)) return null
    const { concurrent, skipData } = node.RefreshMatViewStmt
    return concurrent || skipData ? null : {}
  },
}
