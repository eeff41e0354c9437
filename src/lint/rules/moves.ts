/** Rules that concern moves of tenants: guards, capture, the way back. */
import { strings, tableOf } from '../postgres/nodes.ts'
import { alters, type PostgresRules, type Site } from '../postgres/site.ts'

const isInPlan = ({ options }: Site['scene'], table: string) =>
  table !== '' && (options.planned.has(table) || options.planned.has('*'))
const isPlanned = ({ scene, table }: Site) => isInPlan(scene, table)

/** Changes after which guards, change logs or routes of a table have to be made anew. */
const needsInit = [
  'AT_AddColumn',
  'AT_AlterColumnType',
  'AT_AttachPartition',
  'AT_DetachPartition',
  'AT_AddConstraint',
] as const

export const moveRules: PostgresRules = {
  'planned-table-changed'(site) {
    const { node, scene } = site
    if (isPlanned(site) && alters(site, ...needsInit)) return { object: site.table }
    if (isPlanned(site) && 'RenameStmt' in node) return { object: site.table }
    if (!('CreateStmt' in node) || !node.CreateStmt.partbound) return null
    const [parent] = node.CreateStmt.inhRelations ?? []
    const object = parent && 'RangeVar' in parent ? tableOf(parent.RangeVar) : ''
    return isInPlan(scene, object) ? { object } : null
  },
  'planned-column-dropped'(site) {
    const command = isPlanned(site) ? alters(site, 'AT_DropColumn') : null
    return command ? { column: command.name ?? '' } : null
  },
  'guards-disabled'(site) {
    const command = alters(site, 'AT_DisableTrig', 'AT_DisableTrigAll', 'AT_DisableTrigUser')
    const isGuard = command?.subtype !== 'AT_DisableTrig' || command.name?.startsWith('rehome')
    return command && isGuard ? {} : null
  },
  'publication-all-tables'({ node }) {
    if (!('CreatePublicationStmt' in node)) return null
    const { for_all_tables: isAll, pubname = '' } = node.CreatePublicationStmt
    return isAll ? { publication: pubname } : null
  },
  'rehome-schema-changed'({ node, table }) {
    if (/^rehome(_control)?\./.test(table)) return {}
    if (!('DropStmt' in node)) return null
    const names = (node.DropStmt.objects ?? []).flatMap((one) =>
      'List' in one ? strings(one.List.items) : strings([one]),
    )
    return names.some((name) => /^rehome(_control)?$/.test(name)) ? {} : null
  },
}
