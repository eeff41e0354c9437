/** The order in which the tenants of a run begin. */
import type { SqlText } from '../sql-text.ts'

/**
 * A fact of the plan, or `rows`: tenants without it come last, numbers before texts, and equal ones
 * stay in their order. Or an SQL query of one column that lists them, run at the source.
 */
export type TenantOrder = { readonly by: string; readonly descending?: true | undefined } | SqlText
