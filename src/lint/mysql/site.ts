/** One operation of a statement of MySQL, as rules look at it. */
import type { Rules } from '../rule.ts'
import { type Execution, executionOf } from './algorithms.ts'
import { type Alteration, alterationOf, capitals, type Operation } from './operations.ts'
import type { MysqlScene } from './scene.ts'
import type { MysqlStatement } from './tokens.ts'

export interface MysqlSite {
  readonly statement: MysqlStatement
  /** Words of the statement in capitals, quoted parts as they are. */
  readonly text: string
  readonly scene: MysqlScene
  readonly first: boolean
  /** Absent: the statement alters no table that existed before this file. */
  readonly alteration?: Alteration
  readonly operation?: Operation
  readonly execution?: Execution
}

export type MysqlRules = Rules<MysqlSite>

export function mysqlSitesOf(statement: MysqlStatement, scene: MysqlScene): MysqlSite[] {
  const alteration = alterationOf(statement)
  const base = { statement, text: capitals(statement.tokens), scene }
  if (!alteration || scene.isNew(alteration.table) || alteration.operations.length === 0)
    return [{ ...base, first: true }]
  const { operations } = alteration
  const addsPrimaryKey = operations.some(({ kind }) => kind === 'add primary key')
  return operations.map((operation, i) => {
    const before = scene.definitionOf(operation.table, operation.column)
    const { version, ignoresForeignKeys } = scene
    const around = { version, before, addsPrimaryKey, ignoresForeignKeys }
    const execution = executionOf(operation, around)
    return { ...base, first: i === 0, alteration, operation, execution }
  })
}

/** Worst execution of all operations: MySQL carries out a statement by one algorithm. */
export function worstOf(sites: readonly MysqlSite[]): Execution | null {
  const order = ['INSTANT', 'INPLACE', 'COPY']
  const all = sites.flatMap(({ execution }) => (execution ? [execution] : []))
  const worst = all.sort((left, right) => {
    return (
      order.indexOf(right.algorithm) - order.indexOf(left.algorithm) ||
      Number(right.lock === 'SHARED') - Number(left.lock === 'SHARED') ||
      Number(right.rebuilds) - Number(left.rebuilds)
    )
  })
  return worst[0] ?? null
}
