// An application after the shape of a real one: its schema, its rows, and what it writes.
import type { Application } from '../journey.ts'

export interface RealApplication
  extends Pick<Application, 'seed' | 'write' | 'everybodys' | 'there' | 'shown'> {
  /** All of its tables, in its own schema. */
  readonly schema: readonly string[]
  readonly tenantTable: string
  /** The tenant that moves, of two. */
  readonly tenant: string
  /** Decisions of a person: what stands in the scaffolded plan, and what instead. */
  readonly decisions?: readonly (readonly [text: string, instead: string])[]
  /** Statements of a person at both ends, as the plan or `check` asks for them. */
  readonly changes?: readonly string[]
  /** Parts of the scaffolded plan. */
  readonly lines: readonly string[]
}
