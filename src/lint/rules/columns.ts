/** Rules for columns that exist: dropped, renamed, changed. */
import { columnDef, typeOf, typeText } from '../postgres/nodes.ts'
import { alters, type PostgresRule } from '../postgres/site.ts'
import { rewritesBetween } from '../postgres/type-changes.ts'
import { backfill, notNullSteps, timeout } from './common-steps.ts'

export const columnRules: readonly PostgresRule[] = [
  {
    code: 'column-dropped',
    level: 'error',
    title: 'column {column} of {table} is dropped',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The running application fails in every statement that names the column. Many ORMs name all ' +
      'columns that they knew at their start, also in INSERT. The values are lost: no later ' +
      'migration, and no rollback of a moved tenant, brings them back.',
    example: 'ALTER TABLE orders DROP COLUMN note;',
    steps: [
      {
        does:
          'First deployment: the application ignores the column (`self.ignored_columns` of Rails, ' +
          '`@@ignore` of Prisma, a schema without it elsewhere). If it is NOT NULL, let rows be ' +
          'inserted without it.',
        sql:
          `${timeout}\n-- rehome:allow column-nullable no code reads the column from here on\n` +
          'ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;',
      },
      { does: 'Second deployment: no instance runs that knows the column. Wait for jobs, too.' },
      {
        does: 'Third deployment: drop it.',
        sql:
          `${timeout}\n-- rehome:allow column-dropped no release that is running uses it\n` +
          'ALTER TABLE {table} DROP COLUMN {column};',
      },
    ],
    find(site) {
      const command = alters(site, 'AT_DropColumn')
      return command ? { column: command.name ?? '' } : null
    },
  },
  {
    code: 'column-renamed',
    level: 'error',
    title: 'column {column} of {table} is renamed to {renamed}',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The running application fails in every statement with the old name, and the next release fails ' +
      'until the rename is done: no order of deployment and migration works for both.',
    example: 'ALTER TABLE orders RENAME COLUMN note TO remark;',
    steps: [
      {
        does: 'Expand: add the new column.',
        sql: `${timeout}\nALTER TABLE {table} ADD COLUMN {renamed} text; -- the type of {column}`,
      },
      { does: 'Deploy an application that writes both columns and reads the old one.' },
      backfill('{renamed} = {column}', '{renamed} IS DISTINCT FROM {column}'),
      { does: 'Deploy an application that reads and writes the new column only.' },
      {
        does: 'Contract: drop the old column.',
        sql:
          `${timeout}\n-- rehome:allow column-dropped no release that is running uses it\n` +
          'ALTER TABLE {table} DROP COLUMN {column};',
      },
    ],
    find({ node, table, scene }) {
      if (!('RenameStmt' in node) || scene.isNew(table)) return null
      const { renameType, relationType, subname = '', newname = '' } = node.RenameStmt
      const isRelation = /^OBJECT_(?:TABLE|VIEW|MATVIEW)$/.test(relationType ?? '')
      const isColumn = renameType === 'OBJECT_COLUMN' && isRelation
      return isColumn ? { column: subname, renamed: newname } : null
    },
  },
  {
    code: 'column-type-rewrites',
    level: 'error',
    title: 'column {column} of {table} becomes {type}, which may rewrite the table',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'rewrite',
    breaks:
      'All queries on the table wait until every row and every index with the column is written ' +
      'again, or at least read. An application that has prepared statements or cached types fails. ' +
      'No row is read for varchar to a larger varchar or to text, for numeric with more digits and ' +
      'the same scale, and for timestamp to timestamptz in UTC. The rule sees this if a linted file ' +
      'has created the column.',
    example: 'ALTER TABLE orders ALTER COLUMN id TYPE bigint;',
    steps: [
      {
        does: 'Expand: add a column with the new type.',
        sql: `${timeout}\nALTER TABLE {table} ADD COLUMN {column}_new {=type};`,
      },
      {
        does: 'Let a trigger keep it equal in new and changed rows.',
        sql:
          'CREATE FUNCTION copy_{table}_{column}() RETURNS trigger LANGUAGE plpgsql AS $$\n' +
          'BEGIN\n  NEW.{column}_new := NEW.{column};\n  RETURN NEW;\nEND $$;\n' +
          `${timeout}\n-- rehome:allow trigger-changed the function is small and calls nothing else\n` +
          'CREATE TRIGGER copy_{column} BEFORE INSERT OR UPDATE ON {table}\n' +
          '  FOR EACH ROW EXECUTE FUNCTION copy_{table}_{column}();',
      },
      backfill('{column}_new = {column}', '{column}_new IS DISTINCT FROM {column}'),
      {
        does:
          'For a key: build its unique index on the new column with CONCURRENTLY, and the foreign keys ' +
          'that refer to it with NOT VALID and VALIDATE. An identity or a sequence needs its own ' +
          'change (see sequence-type-changed).',
      },
      { does: 'Deploy an application that reads the new column, then drop the old one.' },
    ],
    find(site) {
      const command = alters(site, 'AT_AlterColumnType')
      const column = columnDef(command?.def)
      if (!command || !column) return null
      const name = command.name ?? ''
      const before = site.scene.columns.get(site.table)?.get(name)
      const after = typeOf(column.typeName)
      if (before && !column.raw_default && !rewritesBetween(before, after)) return null
      return { column: name, type: typeText(after) }
    },
  },
  {
    code: 'column-not-null',
    level: 'error',
    title: 'column {column} of {table} becomes NOT NULL without a validated CHECK',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'scan',
    breaks:
      'All queries on the table wait until every row is read. INSERTs of the running application ' +
      'that leave the column out fail from then on.',
    safeFrom:
      'PostgreSQL 12 with a validated CHECK; PostgreSQL 18 also has ADD CONSTRAINT … NOT NULL … NOT VALID',
    example: 'ALTER TABLE orders ALTER COLUMN note SET NOT NULL;',
    steps: notNullSteps,
    find(site) {
      const command = alters(site, 'AT_SetNotNull')
      const column = command?.name ?? ''
      const checked = site.scene.isCheckedNotNull(site.table, column)
      const isFree = checked && site.scene.options.version >= 12
      return command && !isFree ? { column } : null
    },
  },
  {
    code: 'column-nullable',
    level: 'warning',
    title: 'column {column} of {table} may be NULL from here on',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks: 'Code that reads the column and does not expect NULL fails on the first such row.',
    example: 'ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;',
    steps: [
      { does: 'Deploy an application whose readers accept NULL.' },
      {
        does: 'Drop NOT NULL.',
        sql:
          `${timeout}\n-- rehome:allow column-nullable all readers accept NULL\n` +
          'ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;',
      },
    ],
    find(site) {
      const command = alters(site, 'AT_DropNotNull')
      return command ? { column: command.name ?? '' } : null
    },
  },
  {
    code: 'column-default-dropped',
    level: 'warning',
    title: 'column {column} of {table} loses its default, identity or expression',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'The running application may insert rows without the column. They get NULL from here on, or ' +
      'fail if the column is NOT NULL.',
    example: 'ALTER TABLE orders ALTER COLUMN note DROP DEFAULT;',
    steps: [
      { does: 'Deploy an application that writes {column} in every new row.' },
      {
        does: 'Drop the default.',
        sql:
          `${timeout}\n-- rehome:allow column-default-dropped every writer names the column\n` +
          'ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT;',
      },
    ],
    find(site) {
      const command = alters(site, 'AT_ColumnDefault', 'AT_DropIdentity', 'AT_DropExpression')
      return command && !command.def ? { column: command.name ?? '' } : null
    },
  },
]
