/** Steps that several rules share. */
import type { Step } from '../rule.ts'

export const timeout = `SET lock_timeout = '2s';`

/** UPDATE in batches by key; `id` stands for the table's key. */
export function backfill(set: string, where: string): Step {
  return {
    does:
      'Fill existing rows in batches. Repeat it, each time in a transaction of its own, until it ' +
      'changes no row; `id` stands for the primary key.',
    sql:
      `UPDATE {table} SET ${set} WHERE id IN (\n` +
      `  SELECT id FROM {table} WHERE ${where} ORDER BY id LIMIT 1000\n);`,
  }
}

/** Ways to NOT NULL without a scan under the strong lock. */
export const notNullSteps: readonly Step[] = [
  {
    does: 'Add a CHECK for new and changed rows. Existing rows are not read.',
    sql:
      `${timeout}\nALTER TABLE {table} ADD CONSTRAINT {table}_{column}_is_set\n` +
      '  CHECK ({column} IS NOT NULL) NOT VALID;',
  },
  {
    does: 'Let PostgreSQL read the existing rows, in a transaction of its own. Writes go on.',
    sql: 'ALTER TABLE {table} VALIDATE CONSTRAINT {table}_{column}_is_set;',
  },
  {
    does: 'Set NOT NULL. PostgreSQL 12 and newer see the valid CHECK, and read no row.',
    sql:
      `${timeout}\nALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;\n` +
      'ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_is_set;',
  },
]

/** Index beside the running application. */
export function concurrentIndex(kind: 'UNIQUE ' | '' = ''): Step {
  return {
    does:
      'Build the index beside reads and writes, outside of a transaction. Remove what an ' +
      'interrupted build has left behind first.',
    sql:
      'SET lock_timeout = 0;\nDROP INDEX CONCURRENTLY IF EXISTS {index};\n' +
      `CREATE ${kind}INDEX CONCURRENTLY {index} ON {table} ({=columns});`,
  }
}
