// A command that installs or removes guards locks tables of the application. Where it stands still,
// say as somebody has stopped it in a terminal, it lets go of them.
import { expect, test } from 'vitest'
import { installGuard } from '../../src/ends/postgres/fence/install-guard.ts'
import { uninstallFence } from '../../src/ends/postgres/fence/uninstall.ts'
import { createPool } from '../../src/postgres.ts'
import { Life, lend } from '../helpers/attempts/life.ts'
import { createFenced } from '../helpers/fence/fenced.ts'
import { deferred } from '../helpers/moments/deferred.ts'

const again = `create trigger again after insert on visits for each statement
  execute function suppress_redundant_updates_trigger()`

test.each([
  ['installs a guard', /create trigger again/, 'install'],
  ['removes all of them', /drop trigger/, 'uninstall'],
] as const)(
  'a command that %s and stands still keeps no writer waiting',
  async (_, text, what) => {
    await using db = await createFenced()
    const pool = createPool({ url: db.url, name: 'command' })
    lend(pool)
    const stopped = deferred()
    const life: Life = new Life((point) => {
      if (point.moment !== 'after' || !text.test(point.text)) return
      life.hold()
      stopped.resolve()
    })
    const end = { pool, name: 'source', place: 'here' } as Parameters<typeof uninstallFence>[0]
    const ended = life.live(async () => {
      if (what === 'install') await installGuard(pool, [again])
      else await uninstallFence(end, 0)
    })
    ended.catch(() => {})
    await stopped.promise
    const write = `insert into visits values ('acme', '2025-02-02', 1)`
    expect((await db.pool.query(write)).rowCount).toBe(1)
    life.die()
  },
  20_000,
)
