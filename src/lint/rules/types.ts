/** Rules for enum types, domains, sequences and keys that are too small. */
import type { ColumnDef } from 'libpg-query'
import {
  columnDef,
  constraintDef,
  constraintOf,
  nodesIn,
  objectName,
  strings,
  tableKey,
  tableOf,
  textOf,
  typeOf,
} from '../postgres/nodes.ts'
import { alters, type PostgresRules } from '../postgres/site.ts'

export const typeRules: PostgresRules = {
  'enum-value-used'({ node, scene, first }) {
    const { transaction, options } = scene
    if (!transaction || !first) return null
    if ('AlterEnumStmt' in node) {
      const { newVal: value = '', oldVal, typeName } = node.AlterEnumStmt
      const isRefused = options.version < 12 && oldVal === undefined
      return isRefused ? { value, type: tableKey(strings(typeName)) } : null
    }
    const values = [...nodesIn(node)].map(textOf).filter((text) => text !== undefined)
    const value = values.find((text) => transaction.enumValues.has(text))
    return value === undefined ? null : { value, type: transaction.enumValues.get(value) ?? '' }
  },
  'enum-value-renamed'({ node }) {
    if (!('AlterEnumStmt' in node) || node.AlterEnumStmt.oldVal === undefined) return null
    const { oldVal, newVal = '', typeName } = node.AlterEnumStmt
    return { value: oldVal, renamed: newVal, type: tableKey(strings(typeName)) }
  },
  'domain-constraint'({ node, statement }) {
    if (!('AlterDomainStmt' in node)) return null
    const { typeName, def, subtype, name } = node.AlterDomainStmt
    const constraint = def && 'Constraint' in def ? def.Constraint : undefined
    // C adds a constraint, V validates one, O sets NOT NULL.
    if (subtype !== 'V' && subtype !== 'O' && subtype !== 'C') return null
    if (constraint?.skip_validation) return null
    const expression =
      /\bcheck\s*\(([\s\S]*?)\)\s*;?$/i.exec(statement.text)?.[1] ?? 'VALUE IS NOT NULL'
    const domain = tableKey(strings(typeName))
    return { domain, constraint: constraint?.conname ?? name ?? `${domain}_check`, expression }
  },
  'sequence-type-changed'({ node }) {
    if (!('AlterSeqStmt' in node)) return null
    const { options = [], sequence } = node.AlterSeqStmt
    const type = options
      .flatMap((one) => ('DefElem' in one ? [one.DefElem] : []))
      .find(({ defname }) => defname === 'as')?.arg
    const isBig = type && 'TypeName' in type && typeOf(type.TypeName).name === 'int8'
    return isBig ? { sequence: tableOf(sequence) } : null
  },
  'key-integer'({ node }) {
    if (!('CreateStmt' in node)) return null
    const { tableElts = [], relation } = node.CreateStmt
    const [name, ...others] = tableElts
      .map(constraintDef)
      .flatMap((one) => (one?.contype === 'CONSTR_PRIMARY' ? strings(one.keys) : []))
    const key = tableElts.map(columnDef).find((column) => {
      const isAlone = column?.colname === name && others.length === 0
      return column && isSmall(column) && (isAlone || constraintOf(column, 'CONSTR_PRIMARY'))
    })
    return key ? { object: tableOf(relation), column: key.colname ?? '' } : null
  },
  'column-identity'(site) {
    const command = alters(site, 'AT_AddIdentity')
    return command ? { column: command.name ?? '' } : null
  },
  'type-dropped'({ node }) {
    if (!('DropStmt' in node)) return null
    const { removeType, objects = [] } = node.DropStmt
    const isType = removeType === 'OBJECT_TYPE' || removeType === 'OBJECT_DOMAIN'
    return isType ? { object: objectName(objects[0]) } : null
  },
}

const smallTypes = /^(int2|int4|serial|serial4|smallserial|serial2)$/

function isSmall(column: ColumnDef): boolean {
  return smallTypes.test(typeOf(column.typeName).name)
}
