/** The part of the library that changes schemas around the moves of a plan. */
import type { Control, SchemaStatement } from '../../control/database.ts'
import { schemaStatementsOf } from '../../control/schema/schema-statements.ts'
import type { PlanEnds } from '../../ends/end.ts'
import type { Plan, PlanInput } from '../../plan/plan.ts'
import type { SchemaPart } from '../../plan/schema-plan.ts'
import { changeSchema, type SchemaChanged, type SchemaOptions } from './change-schema.ts'

export interface SchemaLibrary {
  /** Runs what has not run yet of `schema.expand` or `schema.contract`, at both ends. */
  changeSchema(
    plan: PlanInput,
    part: SchemaPart,
    options?: Omit<SchemaOptions, 'by'>,
  ): Promise<SchemaChanged>
  /** Statements of the plan's schema changes that were run or tried, in their order. */
  schemaRecord(plan: string): Promise<SchemaStatement[]>
}

interface Opened {
  readonly control: Control
  readonly by: string
}

type WithPlan = <T>(
  plan: PlanInput,
  work: (at: { plan: Plan; ends: PlanEnds }) => Promise<T>,
) => Promise<T>

export function schemaLibrary({ control, by }: Opened, withPlan: WithPlan): SchemaLibrary {
  return {
    changeSchema: (plan, part, options) =>
      withPlan(plan, (at) => changeSchema(control, at, { by, ...options, part })),
    schemaRecord: (plan) => schemaStatementsOf(control, plan),
  }
}
