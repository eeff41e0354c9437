/** Rules that concern moves of tenants: guards, capture, the way back. */
import { strings, tableOf } from '../postgres/nodes.ts'
import { alters, type PostgresRule, type Site } from '../postgres/site.ts'
import { timeout } from './common-steps.ts'

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

export const moveRules: readonly PostgresRule[] = [
  {
    code: 'planned-table-changed',
    level: 'warning',
    title: 'table {object} belongs to the plan, and its change needs `rehome init` again',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'A move that is under way ends before its cutover with SCHEMA_CHANGED and copies everything again. ' +
      'A new partition, a renamed table and a changed key have no guards that fit until the next ' +
      '`rehome init`.',
    example: 'ALTER TABLE orders ADD COLUMN remark text;',
    steps: [
      { does: 'Change both ends between two runs, the target first.' },
      { does: 'Run `rehome init PLAN`, then `rehome check PLAN`.' },
    ],
    find(site) {
      const { node, scene } = site
      if (isPlanned(site) && alters(site, ...needsInit)) return { object: site.table }
      if (isPlanned(site) && 'RenameStmt' in node) return { object: site.table }
      if (!('CreateStmt' in node) || !node.CreateStmt.partbound) return null
      const [parent] = node.CreateStmt.inhRelations ?? []
      const object = parent && 'RangeVar' in parent ? tableOf(parent.RangeVar) : ''
      return isInPlan(scene, object) ? { object } : null
    },
  },
  {
    code: 'planned-column-dropped',
    level: 'error',
    title: 'column {column} of {table} is dropped while tenants may still come back to it',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The table belongs to the plan. Tenants that have not moved lose the values, and a rollback within ' +
      'the window cannot bring back what the column had.',
    example: 'ALTER TABLE orders DROP COLUMN note; -- rehome:allow column-dropped no code uses it',
    steps: [
      {
        does:
          'Wait until the last tenant has moved and no rollback window is open: `rehome status RUN` shows ' +
          'no open move. Then drop the column as a contraction (see column-dropped).',
      },
    ],
    find(site) {
      const command = isPlanned(site) ? alters(site, 'AT_DropColumn') : null
      return command ? { column: command.name ?? '' } : null
    },
  },
  {
    code: 'guards-disabled',
    level: 'error',
    title: 'triggers of {table} are disabled, the guards of rehome among them',
    lock: 'SHARE ROW EXCLUSIVE',
    cost: 'instant',
    breaks:
      'While they are off, a fenced tenant can write, and nothing logs what a captured tenant writes. A ' +
      'move that is under way ends before its cutover, because the schema has changed.',
    example: 'ALTER TABLE orders DISABLE TRIGGER ALL;',
    steps: [
      {
        does: 'Disable the trigger that is meant, by its name.',
        sql:
          `${timeout}\n-- rehome:allow trigger-changed the load needs it\n` +
          'ALTER TABLE {table} DISABLE TRIGGER orders_audit;',
      },
    ],
    find(site) {
      const command = alters(site, 'AT_DisableTrig', 'AT_DisableTrigAll', 'AT_DisableTrigUser')
      const isGuard = command?.subtype !== 'AT_DisableTrig' || command.name?.startsWith('rehome')
      return command && isGuard ? {} : null
    },
  },
  {
    code: 'publication-all-tables',
    level: 'warning',
    title: 'publication {publication} carries all tables, those of rehome among them',
    lock: null,
    cost: 'instant',
    breaks:
      'Subscribers receive the flags and change logs of rehome, or stop because they lack these tables. ' +
      'UPDATE and DELETE fail in every table without a primary key or replica identity.',
    example: 'CREATE PUBLICATION everything FOR ALL TABLES;',
    steps: [
      {
        does: 'Name the schemas or the tables.',
        sql: 'CREATE PUBLICATION {publication} FOR TABLES IN SCHEMA public;',
      },
    ],
    find({ node }) {
      if (!('CreatePublicationStmt' in node)) return null
      const { for_all_tables: isAll, pubname = '' } = node.CreatePublicationStmt
      return isAll ? { publication: pubname } : null
    },
  },
  {
    code: 'rehome-schema-changed',
    level: 'error',
    title: 'schema of rehome is changed by hand',
    lock: null,
    cost: 'instant',
    breaks:
      'Fences, change logs and open moves live in the schemas `rehome` and `rehome_control`. Writers ' +
      'of every planned table run functions in them.',
    example: 'ALTER TABLE rehome.tenant_flags ADD COLUMN remark text;',
    steps: [
      { does: 'Use `rehome init PLAN` to install or upgrade it, `rehome uninstall` to remove it.' },
    ],
    find({ node, table }) {
      if (/^rehome(_control)?\./.test(table)) return {}
      if (!('DropStmt' in node)) return null
      const names = (node.DropStmt.objects ?? []).flatMap((one) =>
        'List' in one ? strings(one.List.items) : strings([one]),
      )
      return names.some((name) => /^rehome(_control)?$/.test(name)) ? {} : null
    },
  },
]
