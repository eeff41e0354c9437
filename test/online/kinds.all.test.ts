// Each kind of change alone, made when the copy has its snapshot: only the log can tell of it.
import { beforeAll, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import {
  type Arrival,
  expectArrived,
  moveThroughChanges,
  titlesOfChanges,
} from '../helpers/moments/kinds-of-changes.ts'
import { changeableKeys } from '../helpers/moments/restless.ts'
import { createWorld } from '../helpers/world.ts'

const copied = ({ phase, to, text }: RemoteCall) =>
  phase === 'copy' && to === 'source' && text.includes('pg_export_snapshot')

let arrivals: Map<string, Arrival>
beforeAll(async () => {
  const plan = { strategy: 'online', pause: { budgetMs: 60_000 }, concurrency: 3 } as const
  await using world = await createWorld({ plan, both: changeableKeys })
  arrivals = await moveThroughChanges(world, () => copied)
}, 300_000)

test.each(titlesOfChanges)('%s arrives', (title) => expectArrived(arrivals.get(title)))
