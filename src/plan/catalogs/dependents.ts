/**
 * Effects beside a copy or a removal: triggers and rules that fire, and keys of tables
 * outside of the move that would delete or change their rows. Pure.
 */

import type { EndTable } from '../routing/route.ts'
import type {
  CatalogReaction,
  CatalogReference,
  CatalogTable,
  Finding,
  KeyAction,
} from './catalog.ts'

export interface Mode {
  /** Sessions of ours set `session_replication_role = replica`. */
  readonly replicate: boolean
  /** Rows also come by INSERT, which rules see. Default: by COPY alone. */
  readonly inserts?: boolean
}

type Event = CatalogReaction['events'][number]

/** COPY runs no rules, so only triggers react to it. */
export function reactionsTo(
  table: CatalogTable,
  events: readonly Event[],
  { inserts = false }: Pick<Mode, 'inserts'> = {},
): CatalogReaction[] {
  const reacts = (kind: CatalogReaction['kind'], event: Event) =>
    events.includes(event) && (kind === 'trigger' || event !== 'INSERT' || inserts)
  return table.reactions.filter(({ kind, events: own }) => own.some((event) => reacts(kind, event)))
}

export function fires({ fires: when }: CatalogReaction, { replicate }: Mode): boolean {
  return when === 'always' || when === (replicate ? 'replica' : 'origin')
}

/** `where`: of whose table, as `source` or `target`. */
export function firingFindings(
  where: string,
  table: CatalogTable,
  { replicate, inserts = false, events }: Mode & { readonly events: readonly Event[] },
): Finding[] {
  return reactionsTo(table, events, { inserts: inserts && !replicate })
    .filter((reaction) => fires(reaction, { replicate }))
    .map(({ kind, name, relation, events: own, fires: when }) => {
      const what = own.filter((event) => events.includes(event)).join(' and ')
      const of = relation === table.name ? '' : ` of "${relation}"`
      const instead =
        when === 'origin'
          ? '`grant set on parameter session_replication_role` to our role, or disable it'
          : `it is \`enable ${when}\`: make it \`enable\`, or disable it`
      const message = `${kind} "${name}"${of} would fire on each ${what} of ours: ${instead}`
      return { where: `${where} table "${table.name}"`, message }
    })
}

/** The name that `exclude` uses. */
export function childName({ schema, table }: CatalogReference, own: string): string {
  return schema === own ? table : `${schema}.${table}`
}

/** A removal of the row that is referred to would remove or change the row that refers. */
export function acts({ onDelete }: CatalogReference): boolean {
  return changesRows(onDelete)
}

/** Other values in the row that is referred to would change the row that refers. */
export function actsOnUpdate({ onUpdate }: CatalogReference): boolean {
  return changesRows(onUpdate)
}

function changesRows(action: KeyAction): boolean {
  return action === 'cascade' || action === 'set null' || action === 'set default'
}

/** Keys of tables that are not of the move. */
function outsideReferences(
  table: CatalogTable,
  { schema, planned }: { readonly schema: string; readonly planned: ReadonlySet<string> },
): CatalogReference[] {
  return table.references.filter((key) => key.schema !== schema || !planned.has(key.table))
}

export interface DependentsOf {
  /** `source` or `target`. */
  readonly where: string
  readonly schema: string
  readonly mode: Mode
  readonly tables: readonly EndTable[]
  /** Events that may occur at this end; only those that our role may cause count. */
  readonly events: readonly Event[]
  /** Tables whose rows may go on referring to rows that move away. */
  readonly left: readonly string[]
  /** Tables with rows of everybody. */
  readonly shared: readonly string[]
}

/** Triggers and rules that would fire, and keys of other tables that a removal would set off. */
export function dependentFindings(of: DependentsOf): Finding[] {
  const { where, mode, schema } = of
  const planned = new Set(of.tables.map(({ table }) => table.name))
  return of.tables.flatMap(({ table }) => {
    const events = of.events.filter((event) => table.privileges.includes(event))
    const outside = outsideReferences(table, { schema, planned })
    return [
      ...firingFindings(where, table, { ...mode, events }),
      ...outside.flatMap((key) => referenceFindings(of, table, key)),
    ]
  })
}

function referenceFindings(
  { where: end, schema, mode, left, shared }: DependentsOf,
  table: CatalogTable,
  key: CatalogReference,
): Finding[] {
  const child = childName(key, schema)
  const where = `${end} table "${child}"`
  const of = key.relation === key.table ? '' : ` of its partition "${key.relation}"`
  if (!key.readable) {
    const message = `our role has no SELECT privilege, and its rows may refer by "${key.name}" to rows of "${table.name}" that move`
    return [{ where, message }]
  }
  if (!acts(key)) return []
  const what = `its key "${key.name}"${of} to "${table.name}" is \`on delete ${key.onDelete}\``
  const removes = table.privileges.includes('DELETE')
  if (!mode.replicate && removes) {
    const message = `${what}, so a removal would change its rows: \`grant set on parameter session_replication_role\` to our role, or make the key \`no action\``
    return [{ where, message }]
  }
  if (left.includes(child)) return []
  const message = shared.includes(child)
    ? `${what}, and its rows are everybody's: set \`leaveReferences: true\` of \`shared('${child}', …)\`, and they stay as they are`
    : `${what}, and the table does not move: plan it, or set \`exclude: [{ table: '${child}', leaveReferences: true }]\`, and its rows stay as they are`
  return [{ where, message }]
}

/** Triggers and rules that are switched on, and do not fire while rows are copied or removed. */
export function silentReactions({
  where,
  mode,
  tables,
  events,
}: Pick<DependentsOf, 'where' | 'mode' | 'tables' | 'events'>): Finding[] {
  return tables.flatMap(({ table }) =>
    reactionsTo(table, events)
      .filter((reaction) => !fires(reaction, mode))
      .map(({ kind, name }) => {
        const message = `${kind} "${name}" does not fire while rows are copied or removed`
        return { where: `${where} table "${table.name}"`, message }
      }),
  )
}
