// Mutants of what stands at the tables: triggers, their bodies, parents and TRUNCATE.
import type { Change } from '../helpers/fence/install.ts'
import { gateInGuard, lineOf99, type Mutant } from './mutant.ts'
import {
  asReplica,
  oldSnapshot,
  parentBornSince,
  parentCameSince,
  parentComesBeforeCommit,
  parentComesMeanwhile,
  parentGetsATenant,
  writesLater,
} from './scenarios.ts'

const anyShare = 'perform 1 from rehome.buckets b where b.id = 1024 for share; -- guard: any'

const without = (trigger: string, relation: string): Change => [
  new RegExp(`create trigger "${trigger}" [^;]* on "public"\\."${relation}"[^;]*;\n[^;]*;`, 'g'),
  '',
]

export const triggers: readonly Mutant[] = [
  ['rehome_insert', 'visits', `insert into public.visits values ('acme', '2026-02-02', 1)`],
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

export const guards: readonly Mutant[] = [
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
    gate: [gateInGuard],
    guards: [/end loop;/g, 'exit; end loop;'],
  },
  {
    title: 'guards of tables that are STABLE',
    scenario: parentComesMeanwhile,
    gate: [gateInGuard],
    guards: [/plpgsql volatile security definer/g, 'plpgsql stable security definer'],
  },
  {
    title: 'a parent that nobody can see',
    scenario: parentBornSince,
    guards: [/perform rehome.lock_any_tenant\(\);/g, ''],
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
    title: "no lock for a row that may become anybody's",
    scenario: parentGetsATenant('read committed', lineOf99),
    fence: [
      'perform pg_catalog.pg_advisory_xact_lock_shared(1919248495, 1024); -- guard: any',
      'null;',
    ],
  },
  {
    title: "no lock of the bucket for a row that may become anybody's",
    scenario: parentGetsATenant('serializable', lineOf99),
    fence: [anyShare, 'null;'],
  },
  {
    title: "new rows that may become anybody's and that nobody looks at",
    scenario: parentGetsATenant('read committed', lineOf99),
    guards: [
      /rehome_orphans or coalesce\(bool_or\([^;]*\), false\)(?=(, coalesce\([^;]*\))?\s+into)/g,
      'rehome_orphans',
    ],
  },
  {
    title: "old rows that may become anybody's and that nobody looks at",
    scenario: parentGetsATenant('read committed', 'delete from note_lines where note_id = 99'),
    guards: [
      /coalesce\(bool_or\([^;]*\), false\) into rehome_again, rehome_orphans/g,
      'false into rehome_again, rehome_orphans',
    ],
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
    scenario: oldSnapshot('repeatable read', { write: 'truncate visits' }),
    fence: [anyShare, 'null;'],
  },
]
