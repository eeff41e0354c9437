/**
 * Facts about a tenant, by name, and conditions on them: `plan = free and rows < 10000`. Pure.
 */
import { RehomeError } from '../errors.ts'

export type Fact = string | number | boolean | null

export type Facts = Readonly<Record<string, Fact>>

/** Returns the facts about a tenant. `undefined` counts as an absent one. */
export type FactsOf = (
  tenant: string,
) =>
  | Readonly<Record<string, Fact | undefined>>
  | Promise<Readonly<Record<string, Fact | undefined>>>

/** Rows of the tenant in the plan's tables: at the source, or as its move has counted them. */
export const rowsFact = 'rows'

export interface Condition {
  /** Names of the facts that it is about. */
  readonly facts: readonly string[]
  readonly holds: (facts: Facts) => boolean
}

type Operator = '=' | '!=' | '<' | '<=' | '>' | '>='

interface Comparison {
  readonly fact: string
  readonly operator: Operator
  readonly value: Fact
}

const form = 'write e.g. "plan = free and rows < 10000 and last_seen >= \'2026-01-01\'"'

/** Throws USAGE. */
export function parseCondition(text: string): Condition {
  const comparisons: Comparison[] = []
  let rest = text.trim()
  for (;;) {
    const comparison = part.exec(rest)
    if (!comparison) throw new RehomeError('USAGE', `"${text}" is no condition: ${form}`)
    comparisons.push(comparisonOf(comparison))
    rest = rest.slice(comparison[0].length).trim()
    if (rest === '') break
    const next = /^and\s+/i.exec(rest)
    if (!next) throw new RehomeError('USAGE', `"${text}" is no condition: ${form}`)
    rest = rest.slice(next[0].length)
  }
  return {
    facts: [...new Set(comparisons.map(({ fact }) => fact))],
    holds: (facts) => comparisons.every((one) => holds(one, facts[one.fact] ?? null)),
  }
}

const part = /^([\p{L}_][\p{L}\p{N}_.-]*)\s*(<=|>=|!=|=|<|>)\s*('(?:[^']|'')*'|[^\s'<>=!]+)/u

function comparisonOf([, fact = '', operator = '', value = '']: RegExpExecArray): Comparison {
  return { fact, operator: operatorNamed(operator), value: readValue(value) }
}

const operators: readonly Operator[] = ['=', '!=', '<', '<=', '>', '>=']

function operatorNamed(text: string): Operator {
  return operators.find((one) => one === text) ?? '='
}

function readValue(text: string): Fact {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'")
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === 'null') return null
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

/** Compares numbers by size, all else as texts. An absent fact is equal to null alone. */
function holds({ operator, value }: Comparison, fact: Fact): boolean {
  const order = orderOf(fact, value)
  if (operator === '=') return order === 0
  if (operator === '!=') return order !== 0
  if (order === null) return false
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}

/** Numbers by size, all else as texts. null: one of them is absent, and the other is not. */
function orderOf(fact: Fact, value: Fact): number | null {
  if (fact === null || value === null) return fact === value ? 0 : null
  if (typeof fact === 'number' && typeof value === 'number') return fact - value
  const [left, right] = [String(fact), String(value)]
  if (left === right) return 0
  return left < right ? -1 : 1
}

const factsMax = 50
const nameForm = /^[\p{L}_][\p{L}\p{N}_.-]{0,63}$/u

/** Checks what a plan's function has returned. Throws PLAN_INVALID. */
export function checkedFacts(tenant: string, returned: unknown): Facts {
  const wrong = (what: string) => {
    const of = `plan field \`facts\` for tenant ${JSON.stringify(tenant)}`
    return new RehomeError('PLAN_INVALID', `${of}: ${what}`)
  }
  if (typeof returned !== 'object' || returned === null) throw wrong('it has to return an object')
  const facts = Object.entries(returned).filter(([, fact]) => fact !== undefined)
  if (facts.length > factsMax) throw wrong(`${facts.length} facts are too many: the most is 50`)
  for (const [name, fact] of facts) {
    if (!nameForm.test(name)) throw wrong(`"${name}" is no name: letters, digits, "_", "." and "-"`)
    if (!isFact(fact))
      throw wrong(`"${name}" has to be a text, a finite number, true, false or null`)
  }
  return Object.fromEntries(facts)
}

function isFact(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string') return value.length <= 1000 && !/[\0\p{Surrogate}]/u.test(value)
  return value === null || typeof value === 'boolean'
}
