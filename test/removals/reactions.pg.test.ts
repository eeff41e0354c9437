// Triggers and rules of the application at tables that rows are removed from: they do not fire, or
// nothing is removed.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fires, reactionsTo } from '../../src/plan/catalogs/dependents.ts'
import {
  createRemovals,
  expectExact,
  expectRefused,
  type Removals,
  roles,
} from '../helpers/moves/removals.ts'
import { partOf } from '../helpers/rotation.ts'

let removals: Removals

beforeAll(async () => {
  removals = await createRemovals()
  await removals.database.pool.query(`
    create table outbox (event text);
    create function keep() returns trigger language plpgsql as 'begin return null; end';
    create function tell() returns trigger language plpgsql
      as $$ begin insert into public.outbox values (tg_op); return null; end $$`)
})

afterAll(() => removals[Symbol.asyncDispose]())

const [trigger, rule] = ['trigger reacts', 'rule reacts']
/** Reactions: the kind, the role that may find its table by it, and how it is made. */
const reactions: Readonly<Record<string, [of: string, table: string, create: string]>> = {
  'a BEFORE trigger that keeps rows': [
    trigger,
    'people',
    'create trigger reacts before delete on people for each row execute function keep()',
  ],
  'an AFTER trigger that writes an outbox': [
    trigger,
    'pets',
    'create trigger reacts after delete on pets for each row execute function tell()',
  ],
  'an AFTER STATEMENT trigger': [
    trigger,
    'events',
    'create trigger reacts after delete on events for each statement execute function tell()',
  ],
  'a trigger of one partition': [
    trigger,
    'ev_25',
    'create trigger reacts before delete on ev_25 for each row execute function keep()',
  ],
  'a rule that does nothing instead': [
    rule,
    'pets',
    'create rule reacts as on delete to pets do instead nothing',
  ],
  'a rule that writes an outbox, too': [
    rule,
    'people',
    `create rule reacts as on delete to people do also insert into outbox values ('rule')`,
  ],
}

const cases = Object.entries(reactions).flatMap(([what, [kind, table, create]]) =>
  ['', 'always', 'replica'].flatMap((enabled) =>
    roles.map((role) => ({ what, kind, table, create, enabled, role })),
  ),
)

test.each(partOf(cases, 2))(
  '$what, enabled $enabled, by a role $role session_replication_role',
  async ({ kind, table, create, enabled, role }) => {
    const { pool } = removals.database
    const known = await removals.catalog(role)
    await pool.query(create)
    if (enabled !== '') await pool.query(`alter table ${table} enable ${enabled} ${kind}`)
    try {
      const replica = role === 'with'
      const fire = enabled === 'always' || (enabled === 'replica') === replica
      const now = await removals.catalog(role)
      const found = [...now.values()].flatMap((one) => reactionsTo(one, ['DELETE']))
      expect(found.map((one) => fires(one, { replicate: replica }))).toEqual([fire])
      if (!fire) await expectExact(removals, role)
      else await expectRefused(removals, role, { code: /^PREFLIGHT_FAILED$/ })
      await removals.restore()
      // As where it came after the last look at the catalogue.
      const keeps = /keep|instead/.test(create)
      if (fire && keeps) await expectRefused(removals, role, { code: /^ROWS_NOT_REMOVED$/, known })
    } finally {
      await pool.query(`drop ${kind} on ${table}; truncate outbox`)
      await removals.restore()
    }
  },
)

test.each(roles)(
  'an AFTER trigger is no reason to keep rows of another table (%s)',
  async (role) => {
    const { pool } = removals.database
    await pool.query(
      'create trigger tells after insert or update on people for each row execute function tell()',
    )
    try {
      await expectExact(removals, role)
    } finally {
      await pool.query('drop trigger tells on people')
      await removals.restore()
    }
  },
)
