/** Rules for MySQL on what breaks the running release, loses rows, or waits for locks. */
import { tableAt } from './operations.ts'
import type { MysqlRules, MysqlSite } from './site.ts'

/** Tables behind the first words of the statement that are not of this file. */
function tableAfter({ statement, text, scene }: MysqlSite, words: RegExp): string | null {
  const match = words.exec(text)
  if (!match) return null
  const { table } = tableAt(statement.tokens, match[0].trim().split(' ').length)
  return scene.isNew(table) ? null : table
}

export const statementRules: MysqlRules = {
  'mysql-column-dropped'({ operation }) {
    return operation?.kind === 'drop column' ? { column: operation.column } : null
  },
  'mysql-column-renamed'({ operation }) {
    const isRenamed = operation?.renamed && operation.kind !== 'rename table'
    return isRenamed ? { column: operation.column, renamed: operation.renamed } : null
  },
  'mysql-column-without-default'({ operation }) {
    if (operation?.kind !== 'add column' || !/\bNOT NULL\b/.test(operation.definition)) return null
    if (/\bDEFAULT\b|\bAUTO_INCREMENT\b|\bAS \(/.test(operation.definition)) return null
    const [type = ''] = /^\w+(?: \([^)]*\))?/.exec(operation.definition) ?? []
    return { column: operation.column, type: type.replaceAll(' ', '') }
  },
  'mysql-not-null'({ operation, scene }) {
    if (operation?.kind !== 'modify column' || !/\bNOT NULL\b/.test(operation.definition))
      return null
    const before = scene.definitionOf(operation.table, operation.column)
    if (before !== undefined && /\bNOT NULL\b/.test(before)) return null
    const [type = ''] = /^\w+(?: \([^)]*\))?/.exec(operation.definition) ?? []
    return { column: operation.column, type: type.replaceAll(' ', '') }
  },
  'mysql-table-renamed'(site) {
    const { operation, text } = site
    if (operation?.kind === 'rename table')
      return { object: operation.table, renamed: operation.renamed }
    const object = tableAfter(site, /^RENAME TABLE /)
    const renamed = / TO `?([\w$]+)`?/.exec(text)?.[1]?.toLowerCase() ?? ''
    return object === null ? null : { object, renamed }
  },
  'mysql-table-dropped'(site) {
    const object =
      tableAfter(site, /^DROP TABLE (?:IF EXISTS )?/) ?? tableAfter(site, /^TRUNCATE (?:TABLE )?/)
    return object === null ? null : { object }
  },
  'mysql-database-dropped'({ text }) {
    const match = /^DROP (?:DATABASE|SCHEMA) (?:IF EXISTS )?`?([^` ]+)/.exec(text)
    return match ? { object: match[1]?.toLowerCase() ?? '' } : null
  },
  'mysql-index-dropped'({ operation }) {
    return operation?.kind === 'drop index' ? { object: operation.column } : null
  },
  'mysql-lock-wait-timeout'({ alteration, first, scene }) {
    const isReported = scene.waitsShortly || scene.timeoutReported
    return alteration && first && !isReported ? {} : null
  },
  'mysql-rows-changed-at-once'(site) {
    const { text, statement } = site
    const object =
      tableAfter(site, /^UPDATE (?:LOW_PRIORITY )?(?:IGNORE )?/) ??
      tableAfter(site, /^DELETE (?:LOW_PRIORITY |QUICK |IGNORE )*(?:FROM )?/)
    if (object === null || /\bLIMIT \d/.test(text)) return null
    const where = /\bWHERE (.*)$/.exec(text)?.[1] ?? ''
    const isBounded = /(?:=|<=?|>=?|\bIN|\bBETWEEN) (?:\( )?(?:\d|['"?:]\S)/.test(where)
    const batch = `${statement.text.replace(/;\s*$/, '')} LIMIT 1000;`
    return isBounded ? null : { object, batch }
  },
  'mysql-commits-transaction'({ alteration, first, scene }) {
    return alteration && first && scene.inTransaction ? {} : null
  },
}
