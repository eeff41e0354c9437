// Mutants of rehome.check_tenants(): its locks, its snapshots, and what it does to a lapsed lease.
//
// Not here, because nothing is lost without it: `f.token` alone in the look under the lock. A fence
// that has lapsed since under another token may be opened, too.
import {
  gateBeforeOpening,
  gateInGuard,
  gateInGuardOfOne,
  type Mutant,
  oneOfMany,
  readsToken,
} from './mutant.ts'
import {
  anotherOpensIt,
  cutsOverAfterALapse,
  inTheGuard,
  lapsesInTheWindow,
  moverCommitsFirst,
  newVisit,
  oldSnapshot,
  opensAnothersFence,
  writesForAnother,
  writesLater,
  wroteBefore,
} from './scenarios.ts'

const share = /perform 1 from rehome\.buckets b -- guard: share\n.*\n.*for share; -- guard: share/g
/** The condition that keeps a move's transactions to its own tenant. */
export const stranger =
  /if held <> '' then -- guard: stranger\n[\s\S]*?\n {2}end if; -- guard: stranger/g
const lapse =
  /perform 1 from rehome\.tenant_flags f -- guard: lapse\n.*\n.*\n.*skip locked; -- guard: lapse/g
const opens = /delete from rehome\.tenant_flags f -- guard: open\n.*-- guard: open/g
const flagsRead =
  /select \* from rehome\.tenant_flags f\n.*any \(tenants \|\| '\*'::text\) -- guard: all\n {2}loop/g
const earlyFlags = `array(select f from rehome.tenant_flags f
    where f.scope = guarded_scope and f.tenant_id = any (tenants))`

const locksOfMany: readonly Mutant[] = [
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
    gate: [gateInGuard],
    fence: [readsToken, `  early rehome.tenant_flags[] := ${earlyFlags};\n${readsToken}`],
    fenceToo: [flagsRead, 'select * from unnest(early)\n  loop'],
  },
  {
    title: 'a guard that is STABLE',
    scenario: inTheGuard(),
    gate: [gateInGuard],
    fence: [
      /(?<=function rehome\.check_tenants\(.*\) returns text\[\]\n {2}language plpgsql) volatile/g,
      ' stable',
    ],
  },
]

const lockOfOne =
  'perform pg_catalog.pg_advisory_xact_lock_shared(1919248495, rehome.bucket_of(tenant)); -- guard: lock'
const shareOfOne =
  'perform 1 from rehome.buckets b where b.id = rehome.bucket_of(tenant) for share; -- guard: share'

const locksOfOne: readonly Mutant[] = [
  { title: 'no lock', scenario: wroteBefore('read committed'), fence: [lockOfOne, 'null;'] },
  {
    title: 'no shared lock, and a writer is in',
    scenario: wroteBefore('repeatable read'),
    fence: [shareOfOne, 'null;'],
  },
  {
    title: 'no shared lock, and a snapshot is old',
    scenario: oldSnapshot('serializable'),
    fence: [shareOfOne, 'null;'],
  },
  {
    title: 'a weaker lock',
    scenario: oldSnapshot('repeatable read'),
    fence: [shareOfOne, shareOfOne.replace('share; -- guard: share', 'key share;')],
  },
  {
    title: 'flags read before the lock',
    scenario: inTheGuard(),
    gate: [gateInGuardOfOne],
    fence: [
      'declare\n  gate text',
      `declare
  early boolean := exists (select from rehome.tenant_flags f
    where f.scope = guarded_scope and f.tenant_id = tenant);
  gate text`,
    ],
    fenceToo: [
      /case \(select coalesce\(max.*\n.* -- guard: all/g,
      `case coalesce((array['', 'read_only'])[1 + early::int], '')`,
    ],
  },
]

/** The whole application is read-only, and a tenant of it is written to. */
const forAll: readonly Mutant[] = [
  {
    title: 'a guard that looks for the tenant alone',
    scenario: writesLater(newVisit, '*'),
    gate: [oneOfMany],
    fence: [` || '*'::text) -- guard: all`, ')'],
  },
  {
    title: 'a guard of one tenant that looks for it alone',
    scenario: writesLater(newVisit, '*'),
    fence: [`any (array[tenant, '*'])) -- guard: all`, 'any (array[tenant]))'],
  },
]

export const locks: readonly Mutant[] = [
  ...forAll,
  ...locksOfMany.map((one) => ({ ...one, gate: [...(one.gate ?? []), oneOfMany] })),
  ...locksOfOne.map((one) => ({ ...one, title: `${one.title}, in the guard of one tenant` })),
]

export const leases: readonly Mutant[] = [
  {
    title: 'a lapsed flag that is left standing',
    scenario: cutsOverAfterALapse('read committed'),
    fence: [opens, 'perform 1;'],
  },
  {
    title: 'a lapsed flag that is left standing, for an older snapshot',
    scenario: cutsOverAfterALapse('repeatable read'),
    fence: [opens, 'perform 1;'],
  },
  {
    title: 'a flag that is not looked at again under its lock',
    scenario: moverCommitsFirst('cutOver'),
    gate: [gateBeforeOpening],
    fence: [lapse, 'perform 1;'],
  },
  {
    title: 'a flag that is deleted though it says moved by now',
    scenario: moverCommitsFirst('cutOver'),
    gate: [gateBeforeOpening],
    fence: [/and f\.mode = flag\.mode and f\.expires_at <= .* -- guard: lapse/g, ''],
  },
  {
    title: 'a flag that is deleted though it was renewed',
    scenario: moverCommitsFirst('renew'),
    gate: [gateBeforeOpening],
    fence: [/(?<=and f\.mode = flag\.mode) and f\.expires_at <= .* -- guard: lapse/g, ''],
  },
  {
    title: 'a flag that is deleted because that of another tenant has lapsed',
    scenario: moverCommitsFirst('renew', 'beta'),
    gate: [gateBeforeOpening],
    fence: [/where f\.scope = .* and f\.token = flag\.token -- guard: lapse/g, 'where true'],
  },
  {
    title: "a writer that waits for another one's transaction",
    scenario: anotherOpensIt,
    fence: ['for update skip locked; -- guard: lapse', 'for update;'],
  },
  {
    title: 'a capture that ends with the fence that was raised in it',
    scenario: lapsesInTheWindow,
    fence: [
      "update rehome.tenant_flags f set mode = 'capturing', expires_at = f.capture_until -- guard: log on",
      'delete from rehome.tenant_flags f',
    ],
  },
  {
    title: 'the move of one tenant writes rows of another',
    scenario: writesForAnother,
    fence: [stranger, 'null;'],
  },
  {
    title: 'every lapsed flag is deleted',
    scenario: opensAnothersFence,
    fence: [/where f\.scope = .* and f\.tenant_id = flag\.tenant_id; -- guard: open/g, ';'],
  },
]
