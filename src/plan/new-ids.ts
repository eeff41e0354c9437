/** Ids that are others at the target: each becomes a new one, wherever it is referred to. */
import type { SqlText } from './sql-text.ts'

/** How new ids are made, once for each old one and run. */
export interface NewIds {
  /** An expression, run at the target: `nextval('notes_id_seq')`, `gen_random_uuid()`. */
  readonly by: SqlText
  /** The type of what it gives. Default `int8`. */
  readonly type?: 'int8' | 'int4' | 'uuid' | 'text' | undefined
}

/** Whether ids become others: some ids of a plan, or some of a route's own. */
export function hasNewIds({ newIds }: { readonly newIds: object }): boolean {
  return Object.keys(newIds).length > 0
}
