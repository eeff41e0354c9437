/** Rules for ALTER TABLE of MySQL: what it costs, by operation and version. */
import type { Operation } from './operations.ts'
import type { MysqlRules, MysqlSite } from './site.ts'

const sameMode = (execution: MysqlSite['execution'], algorithm: string) =>
  execution?.algorithm === algorithm

function namesOf({ kind, column, table, source, renamed }: Operation) {
  return { operation: kind, column, object: column || table, clause: source, renamed }
}

/** Operations with a rule of their own. */
const special = ['add foreign key', 'add check']

export const alterRules: MysqlRules = {
  'mysql-copies-table'({ operation, execution }) {
    const isSpecial = operation && special.includes(operation.kind)
    return operation && !isSpecial && sameMode(execution, 'COPY') ? namesOf(operation) : null
  },
  'mysql-blocks-writes'({ operation, execution }) {
    const blocks = execution?.lock === 'SHARED' && sameMode(execution, 'INPLACE')
    return operation && blocks ? namesOf(operation) : null
  },
  'mysql-rebuilds-table'({ operation, execution, alteration }) {
    if (!operation || !execution?.rebuilds || execution.lock === 'SHARED') return null
    const table = alteration?.table ?? ''
    const allow = '-- rehome:allow mysql-column-dropped no code uses it\n'
    const lead = operation.kind === 'drop column' ? allow : ''
    const stated = `${lead}ALTER TABLE ${table} ${operation.source}, ALGORITHM=INPLACE, LOCK=NONE;`
    return sameMode(execution, 'INPLACE') ? { ...namesOf(operation), stated } : null
  },
  'mysql-algorithm-not-stated'({ alteration, execution, first, statement, operation, scene }) {
    if (!first || !alteration || !execution || alteration.algorithm !== '') return null
    // Statements about partitions take the clause from 8.0 on, and only to add or drop some.
    const isOther = /^(?:TRUNCATE|EXCHANGE|ANALYZE|CHECK|REPAIR) /.test(operation?.text ?? '')
    const isOld = isOther || scene.version < 80000
    if (operation?.kind === 'change partitions' && isOld) return null
    if (execution.algorithm === 'COPY' || execution.lock === 'SHARED') return null
    const text = statement.text.replace(/;\s*$/, '')
    const comma = /^\s*alter/i.test(text) ? ',' : ''
    // INSTANT knows no LOCK.
    const lock = execution.algorithm === 'INSTANT' ? '' : `${comma} LOCK=NONE`
    const stated = `${text}${comma} ALGORITHM=${execution.algorithm}${lock};`
    return { algorithm: execution.algorithm, stated }
  },
  'mysql-lock-stated'({ alteration, first }) {
    if (!first || !alteration) return null
    const { algorithm, lock } = alteration
    if (algorithm === 'COPY') return { stated: 'ALGORITHM=COPY' }
    return /^(?:SHARED|EXCLUSIVE)$/.test(lock) ? { stated: `LOCK=${lock}` } : null
  },
  'mysql-foreign-key'({ operation, execution }) {
    const isCopied = operation?.kind === 'add foreign key' && sameMode(execution, 'COPY')
    return isCopied ? namesOf(operation) : null
  },
  'mysql-check'({ operation }) {
    return operation?.kind === 'add check' ? namesOf(operation) : null
  },
  'mysql-index-delays-replicas'({ operation }) {
    const isIndex = operation?.kind === 'add index' || operation?.kind === 'add unique index'
    if (!operation || !isIndex) return null
    const name = /(?:INDEX|KEY|UNIQUE) (`?[\w$]+`?) (?:USING|\()/.exec(operation.text)?.[1]
    return {
      ...namesOf(operation),
      object: name?.replaceAll('`', '').toLowerCase() ?? operation.column,
    }
  },
}
