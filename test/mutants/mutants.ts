// One protecting line each, removed or weakened, and the schedule that loses a write without it.
//
// Not here, because nothing is lost without them: the lock of bucket 1024 under READ COMMITTED
// (TRUNCATE's own lock on the table keeps the copy waiting), and `f.token` alone in the lease's
// delete (whoever has lapsed since under another token may be opened, too).
import type { Change } from '../helpers/fence/install.ts'
import {
  asReplica,
  cutsOverAfterALapse,
  inTheGuard,
  moverCommitsFirst,
  oldSnapshot,
  opensAnothersFence,
  parentBornSince,
  parentCameSince,
  parentComesBeforeCommit,
  parentComesMeanwhile,
  type Scenario,
  writesLater,
  wroteBefore,
} from './scenarios.ts'
import { staleChunkCommits, staleStep, staleTokenWrites } from './stale-movers.ts'

export interface Mutant {
  readonly title: string
  readonly scenario: Scenario
  /** A line of the endpoint's migrations. */
  readonly fence?: Change
  /** Where removing that line takes another, too. */
  readonly fenceToo?: Change
  /** Statements of the guards, see src/endpoints/sql/guard-sql.ts. */
  readonly guards?: Change
  /** A statement of the mover. */
  readonly spoken?: Change
  /** Opens a place to stand still in; the unchanged fence gets it, too. */
  readonly gate?: Change
}

const token = `  held text := pg_catalog.current_setting('rehome.token', true);`

/** With `test.gated` = guard a writer stands still in the guard, before the guard has locked. */
const gateInGuard: Change = [
  token,
  `${token}
  gate text := case when pg_catalog.current_setting('test.gated', true) = 'guard'
    then pg_catalog.pg_advisory_xact_lock_shared(4711, 0)::text end;`,
]

const share = /perform 1 from rehome\.buckets b -- guard: share\n.*\n.*for share; -- guard: share/g
const lapse = /delete from rehome\.tenant_flags f -- guard: lapse\n.*\n.*-- guard: lapse/g
const flagsRead =
  'select * from rehome.tenant_flags f where f.scope = guarded_scope and f.tenant_id = any (tenants)\n  loop'
const earlyFlags = `array(select f from rehome.tenant_flags f
    where f.scope = guarded_scope and f.tenant_id = any (tenants))`

const locks: readonly Mutant[] = [
  {
    title: 'no advisory lock',
    scenario: wroteBefore('read committed'),
    fence: [
      'perform pg_catalog.pg_advisory_xact_lock_shared(1919248495, bucket); -- guard: lock',
      'null;',
    ],
  },
  {
    title: 'no shared lock of the bucket, and a writer is in',
    scenario: wroteBefore('repeatable read'),
    fence: [share, 'null;'],
  },
  {
    title: 'no shared lock of the bucket, and a snapshot is old',
    scenario: oldSnapshot('serializable'),
    fence: [share, 'null;'],
  },
  {
    title: 'a weaker lock of the bucket, and a writer is in',
    scenario: wroteBefore('repeatable read'),
    fence: ['order by b.id for share; -- guard: share', 'order by b.id for key share;'],
  },
  {
    title: 'a weaker lock of the bucket, and a snapshot is old',
    scenario: oldSnapshot('repeatable read'),
    fence: ['order by b.id for share; -- guard: share', 'order by b.id for key share;'],
  },
  {
    title: 'a bucket that is only read',
    scenario: oldSnapshot('repeatable read'),
    fence: ['order by b.id for share; -- guard: share', 'order by b.id;'],
  },
  {
    title: 'flags read before the lock',
    scenario: inTheGuard(),
    gate: gateInGuard,
    fence: [token, `  early rehome.tenant_flags[] := ${earlyFlags};\n${token}`],
    fenceToo: [flagsRead, 'select * from unnest(early)\n  loop'],
  },
  {
    title: 'a guard that is STABLE',
    scenario: inTheGuard(),
    gate: gateInGuard,
    fence: [
      /(?<=function rehome\.guard\(.*\) returns void\n {2}language plpgsql) volatile/g,
      ' stable',
    ],
  },
]

const leases: readonly Mutant[] = [
  {
    title: 'a lapsed flag that is left standing',
    scenario: cutsOverAfterALapse('read committed'),
    fence: [lapse, 'perform 1;'],
  },
  {
    title: 'a lapsed flag that is left standing, for an older snapshot',
    scenario: cutsOverAfterALapse('repeatable read'),
    fence: [lapse, 'perform 1;'],
  },
  {
    title: 'a flag that is deleted though it says moved by now',
    scenario: moverCommitsFirst('cutOver'),
    fence: [/and f\.mode = 'read_only' and f\.expires_at <= .*; -- guard: lapse/g, ';'],
  },
  {
    title: 'a flag that is deleted though it was renewed',
    scenario: moverCommitsFirst('renew'),
    fence: [/(?<=and f\.mode = 'read_only') and f\.expires_at <= .*; -- guard: lapse/g, ';'],
  },
  {
    title: 'every lapsed flag is deleted',
    scenario: opensAnothersFence,
    fence: [/where f\.scope = .* and f\.token = flag\.token -- guard: lapse/g, 'where true'],
  },
]

const tokens: readonly Mutant[] = [
  {
    title: 'any token passes',
    scenario: staleTokenWrites,
    fence: ['continue when flag.token::text = held; -- guard: token', `continue when held <> '';`],
  },
  {
    title: 'a flag that is not held while a chunk is written',
    scenario: staleChunkCommits,
    spoken: ['and token = $3 for share', 'and token = $3'],
  },
  {
    title: 'a cutover under any token',
    scenario: staleStep('cutOver'),
    spoken: [
      `and token = $3 and mode = 'read_only'\n    returning`,
      'and $3::uuid = $3::uuid\n    returning',
    ],
  },
  {
    title: 'a renewal under any token',
    scenario: staleStep('renew'),
    spoken: [`and token = $3 and mode = 'read_only'`, 'and $3::uuid = $3::uuid'],
  },
  {
    title: 'a fence that is lowered under any token',
    scenario: staleStep('lower'),
    spoken: ['and token = $3 and mode = $4', 'and $3::uuid = $3::uuid and mode = $4'],
  },
]

const drains: readonly Mutant[] = [
  {
    title: 'a drain that waits for nobody',
    scenario: wroteBefore('read committed'),
    spoken: ['and l.granted', 'and l.granted and false'],
  },
  {
    title: 'a drain that bumps no bucket, and a writer is in',
    scenario: wroteBefore('repeatable read'),
    spoken: ['where id in (rehome.bucket_of($1), 1024)', 'where $1::text is null'],
  },
  {
    title: 'a drain that bumps no bucket, and a snapshot is old',
    scenario: oldSnapshot('repeatable read'),
    spoken: ['where id in (rehome.bucket_of($1), 1024)', 'where $1::text is null'],
  },
  {
    title: "a drain that does not bump TRUNCATE's bucket",
    scenario: oldSnapshot('repeatable read', 'truncate visits'),
    spoken: ['(rehome.bucket_of($1), 1024)', '(rehome.bucket_of($1))'],
  },
]

const without = (trigger: string, relation: string): Change => [
  new RegExp(`create trigger "${trigger}" [^;]* on "public"\\."${relation}"[^;]*;\n[^;]*;`, 'g'),
  '',
]

const triggers: readonly Mutant[] = [
  ['rehome_insert', 'visits', `insert into visits values ('acme', '2026-02-02', 1)`],
  ['rehome_update', 'visits', `update visits set hits = 9 where tenant_id = 'acme'`],
  ['rehome_delete', 'visits', `delete from visits where tenant_id = 'acme'`],
  ['rehome_truncate', 'note_lines', 'truncate note_lines'],
  ['rehome_insert', 'visits_2025', `insert into visits_2025 values ('acme', '2025-01-01', 1)`],
  ['rehome_update', 'visits_2026', `update visits_2026 set hits = 9 where tenant_id = 'acme'`],
  ['rehome_delete', 'visits_2026_h1', `delete from visits_2026_h1 where tenant_id = 'acme'`],
  ['rehome_truncate', 'visits_2025', 'truncate visits_2025'],
].map(([trigger = '', relation = '', write = '']) => ({
  title: `no ${trigger} on ${relation}`,
  scenario: writesLater(write),
  guards: without(trigger, relation),
}))

const guards: readonly Mutant[] = [
  {
    title: 'guards that replication roles do not run',
    scenario: asReplica,
    guards: [/alter table [^;]* enable always trigger [^;]*/g, 'select 1'],
  },
  {
    title: 'an update whose old rows nobody looks at',
    scenario: writesLater(`update visits set tenant_id = 'beta', day = '2026-04-04'
      where tenant_id = 'acme' and day = '2025-05-05'`),
    guards: [/if tg_op <> 'INSERT' then/g, `if tg_op = 'DELETE' then`],
  },
  {
    title: 'an update whose new rows nobody looks at',
    scenario: writesLater(`update visits set tenant_id = 'acme', day = '2026-04-04'
      where tenant_id = 'beta' and day = '2025-05-05'`),
    guards: [/if tg_op <> 'DELETE' then/g, `if tg_op = 'INSERT' then`],
  },
  {
    title: 'a tenant that is not asked for again after the lock',
    scenario: parentComesMeanwhile,
    gate: gateInGuard,
    guards: [/exit when again is null or again <@ touched;/g, 'exit;'],
  },
  {
    title: 'guards of tables that are STABLE',
    scenario: parentComesMeanwhile,
    gate: gateInGuard,
    guards: [/plpgsql volatile security definer/g, 'plpgsql stable security definer'],
  },
  {
    title: 'a parent that nobody can see',
    scenario: parentBornSince,
    guards: [/raise exception 'the parent of a row[^;]*;/g, 'null;'],
  },
  {
    title: 'a parent that moves without the lock of its children',
    scenario: parentComesBeforeCommit('read committed'),
    fence: ['perform pg_catalog.pg_advisory_xact_lock(1919248495, bucket);', 'null;'],
  },
  {
    title: 'a parent that moves without a bump, and a child is written',
    scenario: parentComesBeforeCommit('repeatable read'),
    fence: [/update rehome\.buckets b set epoch[^;]*;\nend/g, 'end'],
  },
  {
    title: 'a parent that moves without a bump, and a snapshot is old',
    scenario: parentCameSince,
    fence: [/update rehome\.buckets b set epoch[^;]*;\nend/g, 'end'],
  },
  {
    title: 'a TRUNCATE that looks at no flag',
    scenario: writesLater('truncate visits'),
    fence: [
      "if found then\n    raise exception 'TRUNCATE",
      "if false then\n    raise exception 'TRUNCATE",
    ],
  },
  {
    title: 'a TRUNCATE that does not lock its bucket',
    scenario: oldSnapshot('repeatable read', 'truncate visits'),
    fence: ['perform 1 from rehome.buckets b where b.id = 1024 for share;', 'null;'],
  },
]

export const mutants = [...locks, ...leases, ...tokens, ...drains, ...triggers, ...guards]
