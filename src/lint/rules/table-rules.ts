/** Rules for whole tables and schemas: dropped, renamed, emptied, rewritten. */
import { hasOption, tableOf } from '../postgres/nodes.ts'
import type { Scene } from '../postgres/scene.ts'
import { alters, drops, type PostgresRule } from '../postgres/site.ts'
import { timeout } from './common-steps.ts'

/** An index of a table of this file, or that table itself. */
const isOfNewTable = (scene: Scene, name: string) =>
  scene.isNew(scene.indexTables.get(name) ?? name)

const cascadeOf = (behavior: string | undefined) => behavior === 'DROP_CASCADE'

export const tableRules: readonly PostgresRule[] = [
  {
    code: 'table-dropped',
    level: 'error',
    title: 'table {object} is dropped',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The running application fails in every statement with the table. Tables that its foreign keys ' +
      'refer to are locked, too. The rows are lost.',
    example: 'DROP TABLE lines;',
    steps: [
      { does: 'Deploy an application that does not use the table. Wait for jobs, too.' },
      {
        does: 'Drop its foreign keys one by one, each in a transaction of its own.',
        sql: "SELECT conname FROM pg_constraint WHERE conrelid = '{object}'::regclass AND contype = 'f';",
      },
      {
        does: 'Drop the table.',
        sql:
          `${timeout}\n-- rehome:allow table-dropped no release that is running uses it\n` +
          'DROP TABLE {object};',
      },
    ],
    find(site) {
      const [object] = drops(site, 'OBJECT_TABLE')
      return object === undefined ? null : { object }
    },
  },
  {
    code: 'drop-cascades',
    level: 'error',
    title: 'DROP … CASCADE or DROP OWNED removes objects that the statement does not name',
    lock: null,
    cost: 'instant',
    breaks:
      'Foreign keys, views and functions of other tables vanish without being named, and their tables ' +
      'are locked, too.',
    example: 'DROP VIEW recent_orders CASCADE;',
    steps: [
      { does: 'List what depends on it: run the statement without CASCADE, and read its error.' },
      { does: 'Drop each of these objects by its name, in the order of the error.' },
    ],
    find({ node, command, scene }) {
      if ('DropStmt' in node) return cascadeOf(node.DropStmt.behavior) ? {} : null
      if ('DropOwnedStmt' in node) return {}
      const isDrop =
        'AlterTableStmt' in node &&
        command?.subtype?.startsWith('AT_Drop') &&
        !scene.isNew(tableOf(node.AlterTableStmt.relation))
      return isDrop && cascadeOf(command?.behavior) ? {} : null
    },
  },
  {
    code: 'table-renamed',
    level: 'error',
    title: 'table {table} is renamed to {renamed}',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks: 'The running application fails in every statement with the old name.',
    example: 'ALTER TABLE lines RENAME TO order_lines;',
    steps: [
      {
        does: 'Rename it, and leave a view with the old name, in one transaction.',
        sql:
          `BEGIN;\n${timeout}\n` +
          '-- rehome:allow table-renamed the view has the old name in the same transaction\n' +
          'ALTER TABLE {table} RENAME TO {renamed};\n' +
          'CREATE VIEW {table} AS SELECT * FROM {renamed};\nCOMMIT;',
      },
      { does: 'Deploy an application that uses the new name.' },
      { does: 'Drop the view.', sql: 'DROP VIEW {table};' },
    ],
    find({ node, table, scene }) {
      if (!('RenameStmt' in node) || scene.isNew(table)) return null
      const { renameType = '', newname = '' } = node.RenameStmt
      return /^OBJECT_(?:TABLE|VIEW|MATVIEW)$/.test(renameType) ? { renamed: newname } : null
    },
  },
  {
    code: 'schema-renamed',
    level: 'error',
    title: '{object} gets another schema, or its schema another name',
    lock: null,
    cost: 'instant',
    breaks:
      'The running application fails in every statement with the old name, unless its search_path has ' +
      'the new schema.',
    example: 'ALTER TABLE lines SET SCHEMA archive;',
    steps: [
      {
        does:
          'Deploy an application that has both schemas in its search_path and names tables without a ' +
          'schema. Then change the schema, and take the old one out of search_path.',
      },
    ],
    find({ node, table, scene }) {
      if ('RenameStmt' in node && node.RenameStmt.renameType === 'OBJECT_SCHEMA')
        return { object: node.RenameStmt.subname ?? '' }
      if (!('AlterObjectSchemaStmt' in node) || scene.isNew(table)) return null
      const { objectType } = node.AlterObjectSchemaStmt
      return objectType === 'OBJECT_TABLE' ? { object: table } : null
    },
  },
  {
    code: 'schema-dropped',
    level: 'error',
    title: 'schema or database {object} is dropped',
    lock: null,
    cost: 'instant',
    breaks: 'All tables in it are lost, and all queries on them fail.',
    example: 'DROP SCHEMA archive CASCADE; -- rehome:allow drop-cascades all of it goes',
    steps: [{ does: 'Drop its tables one by one (see table-dropped), then the empty schema.' }],
    find(site) {
      const { node } = site
      if ('DropdbStmt' in node) return { object: node.DropdbStmt.dbname ?? '' }
      const [object] = drops(site, 'OBJECT_SCHEMA')
      return object === undefined ? null : { object }
    },
  },
  {
    code: 'table-truncated',
    level: 'error',
    title: 'table {object} is truncated',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'All rows are lost, those of every tenant; with CASCADE also those of tables that refer to it. ' +
      'While rehome moves a tenant of the table, the statement waits for the move or fails: change ' +
      'capture cannot tell whose rows went.',
    example: 'TRUNCATE lines;',
    steps: [
      {
        does: 'Delete in batches. Repeat it until it changes no row; `id` stands for the primary key.',
        sql: 'DELETE FROM {object} WHERE id IN (SELECT id FROM {object} ORDER BY id LIMIT 1000);',
      },
    ],
    find({ node, scene }) {
      if (!('TruncateStmt' in node)) return null
      const tables = (node.TruncateStmt.relations ?? []).flatMap((one) =>
        'RangeVar' in one ? [tableOf(one.RangeVar)] : [],
      )
      const [object] = tables.filter((table) => !scene.isNew(table))
      return object === undefined ? null : { object }
    },
  },
  {
    code: 'table-rewritten',
    level: 'error',
    title: 'table {object} is rewritten as a whole',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'rewrite',
    breaks:
      'SET TABLESPACE, SET LOGGED or UNLOGGED, SET ACCESS METHOD, CLUSTER and VACUUM FULL write all rows ' +
      'again. All queries on the table wait as long. The disk needs room for the table twice.',
    example: 'ALTER TABLE orders SET UNLOGGED;',
    steps: [
      {
        does:
          'Rewrite it beside reads and writes with the extension pg_repack: `pg_repack --table {object}`, ' +
          'with `--tablespace` to move it. Bloat alone often needs nothing: VACUUM lets new rows ' +
          'use the space.',
      },
    ],
    find(site) {
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
  },
  {
    code: 'view-refreshed',
    level: 'warning',
    title: 'materialized view {table} is refreshed without CONCURRENTLY',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'rewrite',
    breaks: 'All queries on the view wait until its query has ended and its rows are written.',
    example: 'REFRESH MATERIALIZED VIEW order_totals;',
    steps: [
      {
        does: 'Give the view a unique index, once.',
        sql:
          'SET lock_timeout = 0;\n' +
          'CREATE UNIQUE INDEX CONCURRENTLY {table}_key ON {table} (customer_id); -- its key',
      },
      {
        does: 'Refresh beside reads.',
        sql: `${timeout}\nREFRESH MATERIALIZED VIEW CONCURRENTLY {table};`,
      },
    ],
    find({ node, table, scene }) {
      if (!('RefreshMatViewStmt' in node) || scene.isNew(table)) return null
      const { concurrent, skipData } = node.RefreshMatViewStmt
      return concurrent || skipData ? null : {}
    },
  },
]
