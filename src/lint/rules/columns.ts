/** Rules for columns that exist: dropped, renamed, changed. */
import { columnDef, typeOf, typeText } from '../postgres/nodes.ts'
import { alters, type PostgresRules } from '../postgres/site.ts'
import { rewritesBetween } from '../postgres/type-changes.ts'

export const columnRules: PostgresRules = {
  'column-dropped'(site) {
    const command = alters(site, 'AT_DropColumn')
    return command ? { column: command.name ?? '' } : null
  },
  'column-renamed'({ node, table, scene }) {
    if (!('RenameStmt' in node) || scene.isNew(table)) return null
    const { renameType, relationType, subname = '', newname = '' } = node.RenameStmt
    const isRelation = /^OBJECT_(?:TABLE|VIEW|MATVIEW)$/.test(relationType ?? '')
    const isColumn = renameType === 'OBJECT_COLUMN' && isRelation
    return isColumn ? { column: subname, renamed: newname } : null
  },
  'column-type-rewrites'(site) {
    const command = alters(site, 'AT_AlterColumnType')
    const column = columnDef(command?.def)
    if (!command || !column) return null
    const name = command.name ?? ''
    const before = site.scene.columns.get(site.table)?.get(name)
    const after = typeOf(column.typeName)
    if (before && !column.raw_default && !rewritesBetween(before, after)) return null
    return { column: name, type: typeText(after) }
  },
  'column-not-null'(site) {
    const command = alters(site, 'AT_SetNotNull')
    const column = command?.name ?? ''
    const checked = site.scene.isCheckedNotNull(site.table, column)
    const isFree = checked && site.scene.options.version >= 12
    return command && !isFree ? { column } : null
  },
  'column-nullable'(site) {
    const command = alters(site, 'AT_DropNotNull')
    return command ? { column: command.name ?? '' } : null
  },
  'column-default-dropped'(site) {
    const command = alters(site, 'AT_ColumnDefault', 'AT_DropIdentity', 'AT_DropExpression')
    return command && !command.def ? { column: command.name ?? '' } : null
  },
}
