// Rounds compare what they have brought, before anybody relies on it: an end that makes something
// else of a row than what was sent is found by the round that has brought the row.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyWhileWritten } from '../../src/stages/copy.ts'
import { type Following, reset, startFollowing } from '../helpers/follow/following.ts'
import type { EndName } from '../helpers/http-world.ts'

const ends: [called: string, over: readonly EndName[]][] = [
  ['between two databases', []],
  ['over HTTP', ['source', 'target']],
]

const spoils = `create function spoil() returns trigger language plpgsql as $$ begin
    new.body := 'spoiled';
    return new;
  end $$;
  create trigger spoil before insert or update on notes for each row execute function spoil();
  alter table notes enable always trigger spoil`

describe.each(ends)('%s', (_, over) => {
  let following: Following
  beforeAll(async () => {
    following = await startFollowing(over)
  })
  afterAll(() => following[Symbol.asyncDispose]())

  test.each(['changes', 'the last changes'] as const)(
    'a row that a round of %s has brought is compared',
    async (compared) => {
      const { world } = following
      await reset(world)
      const follower = await following.begin()
      await follower.run(copyWhileWritten)
      await follower.settle()
      await world.target.pool.query(spoils)
      await world.source.pool.query(`update notes set body = 'new' where id = 1`)
      await expect(follower.round(compared)).rejects.toMatchObject({
        code: 'ROWS_DIFFER',
        message: expect.stringMatching(/"notes": .*\(1\) different/),
      })
      await world.target.pool.query('drop function spoil cascade')
    },
  )
})
