// Mutants of what the mover says: tokens, turns and the drain.
import { wholeApplication } from '../../src/ends/flags.ts'
import type { Change } from '../helpers/fence/install.ts'
import { lineOf99, type Mutant } from './mutant.ts'
import { stranger } from './of-the-guard.ts'
import {
  oldSnapshot,
  parentGetsATenant,
  parentGetsATenantInTheDrain,
  wroteBefore,
} from './scenarios.ts'
import { lateStep, staleChunkCommits, staleStep, staleTokenWrites } from './stale-movers.ts'

/** Lets an attempt go on whose turn has passed. */
const anyTurn: Change = ['and token = $3::uuid for share)', 'and $3::uuid = $3::uuid)']

export const tokens: readonly Mutant[] = [
  {
    title: 'any token passes',
    scenario: staleTokenWrites,
    fence: ['continue when flag.token::text = held; -- guard: token', `continue when held <> '';`],
    // Without the flag's token it would be found out as a stranger.
    fenceToo: [stranger, 'null;'],
  },
  {
    title: 'a flag that is not held while a chunk is written',
    scenario: staleChunkCommits,
    spoken: ['for share of f', ''],
  },
  {
    title: 'a cutover under any token',
    scenario: staleStep('cutOver'),
    spoken: [
      `and token = $3 and mode = 'read_only'\n      and exists (select from turn)\n    returning`,
      'and $3::uuid = $3::uuid\n    returning',
    ],
    spokenToo: anyTurn,
  },
  {
    title: 'a renewal under any token',
    scenario: staleStep('renew'),
    spoken: [`and token = $3 and mode in ('capturing', 'read_only')`, 'and $3::uuid = $3::uuid'],
    spokenToo: anyTurn,
  },
  {
    title: 'a fence that is lowered under any token',
    scenario: staleStep('lower'),
    spoken: ['and token = $3 and mode = $4', 'and $3::uuid = $3::uuid and mode = $4'],
    spokenToo: anyTurn,
  },
]

export const turns: readonly Mutant[] = (['raise', 'claim', 'take over', 'adopt'] as const).map(
  (step) => ({
    title: `an attempt that may ${step} when its turn has passed`,
    scenario: lateStep(step),
    spoken: anyTurn,
  }),
)

/** It finds as many rows as it would have changed. */
const noBump = {
  spoken: [
    'update rehome.buckets b set epoch = epoch + 1\n    from (',
    'select from rehome.buckets b, (',
  ],
  spokenToo: [' for no key update', ''],
} satisfies Partial<Mutant>

export const drains: readonly Mutant[] = [
  {
    title: 'a drain that waits for nobody',
    scenario: wroteBefore('read committed'),
    spoken: ['and l.granted', 'and l.granted and false'],
  },
  {
    title: 'a drain that bumps no bucket, and a writer is in',
    scenario: wroteBefore('repeatable read'),
    ...noBump,
  },
  {
    title: 'a drain that bumps no bucket, and a snapshot is old',
    scenario: oldSnapshot('repeatable read'),
    ...noBump,
  },
  {
    title: "a drain that does not wait for rows that may become anybody's",
    scenario: parentGetsATenant('read committed', lineOf99),
    spoken: ['::oid, 1024::oid)', '::oid)'],
    spokenToo: [', 1024]::oid[]', ']::oid[]'],
  },
  {
    title: 'a drain that does not bump the bucket of all',
    scenario: oldSnapshot('repeatable read', { write: 'truncate visits' }),
    spoken: [', 1024) order by id', ', 1023) order by id'],
  },
  {
    title: "a drain that waits once, and a writer has come for rows that were not the tenant's",
    scenario: parentGetsATenantInTheDrain('read committed', lineOf99),
    spoken: ['objsubid = 2\n    and objid', 'objsubid = 3\n    and objid'],
  },
  {
    title: "a drain that bumps once, and a snapshot tells whose the tenant's rows were",
    scenario: parentGetsATenantInTheDrain('repeatable read', lineOf99),
    spoken: ['id in (1024) order by', 'id in (1023) order by'],
  },
  {
    title: 'a drain of the whole application that waits for one bucket',
    scenario: wroteBefore('read committed', { fenced: wholeApplication }),
    spoken: [' or true)', ' or false)'],
  },
  {
    title: 'a drain of the whole application that bumps no bucket',
    scenario: oldSnapshot('repeatable read', { fenced: wholeApplication }),
    ...noBump,
  },
]
