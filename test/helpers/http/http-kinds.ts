// Kinds of changes that are made in the midst of moves between two ends over HTTP.
import type { RemoteCall } from '../../../src/calls.ts'
import { bothEnds, createHttpWorld } from '../http-world.ts'
import { type Arrival, moveThroughChanges } from '../moments/kinds-of-changes.ts'
import { changeableKeys } from '../moments/restless.ts'

/** When the second table is about to be read, and when the first has been compared. */
const moments = {
  copy: ({ phase, text }: RemoteCall) => phase === 'copy' && text.endsWith('rows/read'),
  comparison: ({ phase, text }: RemoteCall) => phase === 'verify' && text.endsWith('rows/digest'),
}
type Moment = keyof typeof moments

/** `turns`: the moment for the kinds of even number, and that for those of odd number. */
export async function moveKindsOverHttp(
  turns: readonly [Moment, Moment],
): Promise<Map<string, Arrival>> {
  await using world = await createHttpWorld({
    ...{ over: bothEnds, both: changeableKeys, asking: { concurrency: 7 } },
    plan: { strategy: 'online', pause: { budgetMs: 60_000 }, concurrency: 3 },
  })
  return await moveThroughChanges(world, (kind) => moments[turns[kind % 2 === 0 ? 0 : 1]])
}
