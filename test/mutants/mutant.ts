// What a mutant of the fence is: one protecting line taken away or weakened, and the schedule that
// loses a write without it.
import type { Change } from '../helpers/fence/install.ts'
import type { Scenario } from './scenarios.ts'

export interface Mutant {
  readonly title: string
  readonly scenario: Scenario
  /** A line of the endpoint's migrations. */
  readonly fence?: Change
  /** Where removing that line takes another, too. */
  readonly fenceToo?: Change
  /** Statements of the guards, see src/ends/postgres/fence/guard-sql.ts. */
  readonly guards?: Change
  /** A statement of the mover. */
  readonly spoken?: Change
  readonly spokenToo?: Change
  /** Opens a place to stand still in; the unchanged fence gets it, too. */
  readonly gate?: readonly Change[]
}

export const readsToken = `  held text := pg_catalog.current_setting('rehome.token', true);`

/**
 * A gate: with `test.gated` = guard a writer stands still in the guard, before the guard has
 * locked.
 */
export const gateInGuard: Change = [
  readsToken,
  `${readsToken}
  gate text := case when pg_catalog.current_setting('test.gated', true) = 'guard'
    then pg_catalog.pg_advisory_xact_lock_shared(4711, 0)::text end;`,
]

/** A gate: with `test.gated` = lapse a writer stands still before it opens a lapsed fence. */
export const gateBeforeOpening: Change = [
  /(?= {6}perform 1 from rehome\.tenant_flags f -- guard: lapse)/g,
  `perform case when pg_catalog.current_setting('test.gated', true) = 'lapse'
    then pg_catalog.pg_advisory_xact_lock_shared(4711, 0) end;
`,
]

/** check_tenant leaves everything to check_tenants. */
export const oneOfMany: Change = [
  /(?<=function rehome\.check_tenant\(.*\) returns text\[\]\n {2}language plpgsql volatile as \$\$\n)begin/g,
  'begin return rehome.check_tenants(guarded_scope, array[tenant]);',
]

/** The gate in the guard of one tenant. */
export const gateInGuardOfOne: Change = [
  /(?<=function rehome\.check_tenant\(.*\) returns text\[\]\n {2}language plpgsql volatile as \$\$\n)begin/g,
  `declare
  gate text := case when pg_catalog.current_setting('test.gated', true) = 'guard'
    then pg_catalog.pg_advisory_xact_lock_shared(4711, 0)::text end;
begin`,
]

export const lineOf99 = `insert into note_lines values (99, 7, 'new')`
