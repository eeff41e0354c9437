// A change at the source after every request of every round: of another kind with each commit. All
// of them, on all ways, are tried by between.all.test.ts.
import { expect, test } from 'vitest'
import { bothEnds } from '../../helpers/http-world.ts'
import { kindsBetween } from '../../helpers/moments/changes-between.ts'
import {
  createChangingWorld,
  expectEqualEnds,
  moveOnce,
  whileChanging,
} from '../../helpers/moments/moves-between.ts'
import { oneOf } from '../../helpers/rotation.ts'

const names = ['parents are updated and inserted', 'parents are deleted', 'keys are changed']

test.each(oneOf(names))(
  'a tenant arrives whole although %s after every request',
  { timeout: 120_000 },
  async (name) => {
    const changing = { kinds: kindsBetween[name] ?? [], places: 40 }
    await using world = await createChangingWorld(bothEnds, changing)
    await using _ = await world.work()
    const { result, said } = await whileChanging(world, { ...changing, at: 'source' }, () =>
      moveOnce(world),
    )
    expect(said.slice(0, 30)).toEqual(Array(30).fill('accepted'))
    expect(result.found).toEqual(['moved', null])
    await expectEqualEnds(world)
  },
)
