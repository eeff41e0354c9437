// Every protecting line of the fence is needed: without it a write is lost, with it none is. And
// every line of the migration that says `-- guard:` is taken away by one of the mutants.
import { describe, expect, test } from 'vitest'
import { createFenced } from '../helpers/fence/fenced.ts'
import { changed, fenceSql } from '../helpers/fence/install.ts'
import { createSpokenPool } from '../helpers/fence/spoken.ts'
import { partOf } from '../helpers/rotation.ts'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'

/** Plays the schedule over a fresh database; with the change, or only with the place to stand. */
async function play(mutant: Mutant, what: 'the fence' | 'the mutant'): Promise<string | null> {
  const of = (change: Mutant['fence']) => (change && what === 'the mutant' ? [change] : [])
  const fence = [...(mutant.gate ?? []), ...of(mutant.fence), ...of(mutant.fenceToo)]
  const guards = of(mutant.guards)
  const asItIs = fence.length + guards.length === 0
  await using db = await createFenced(asItIs ? undefined : { fence, guards })
  const spoken = createSpokenPool(db.url, [...of(mutant.spoken), ...of(mutant.spokenToo)])
  try {
    const lost = await mutant.scenario({ db, pool: spoken.pool })
    spoken.check()
    return lost
  } finally {
    await spoken.pool.end()
  }
}

// A third of them with each commit.
describe('a write is lost only', () => {
  test.each(partOf(mutants, 3).map((mutant) => [mutant.title, mutant] as const))(
    'with %s',
    async (_, m) => {
      expect(await play(m, 'the fence')).toBeNull()
      expect(await play(m, 'the mutant')).not.toBeNull()
    },
  )
})

test('every line that guards is taken away by a mutant', async () => {
  const text = await fenceSql()
  const marked = (sql: string) => sql.split('\n').filter((line) => line.includes('-- guard: '))
  const untouched = mutants.flatMap(({ fence, gate = [] }) =>
    fence ? [marked(changed(text, [...gate, fence]))] : [],
  )
  const needed = marked(text).filter((line) => untouched.every((lines) => lines.includes(line)))
  expect(marked(text).length).toBeGreaterThan(0)
  expect(needed).toEqual([])
})
