// Each kind of change alone, made in the midst of the copy or of the comparison, where both ends
// are asked over HTTP: only the log can tell of it.
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import { kindsOfChanges, moveWhile } from '../helpers/kinds-of-changes.ts'
import { changeableKeys } from '../helpers/restless.ts'
import { rowsAt } from '../helpers/runs.ts'

const plan = { strategy: 'online', pause: { budgetMs: 20_000 } } as const

/** When the second table is about to be read, and when the first has been compared. */
const moments: readonly (readonly [title: string, when: (call: RemoteCall) => boolean])[] = [
  ['copy', ({ phase, text }) => phase === 'copy' && text.endsWith('rows/read')],
  ['comparison', ({ phase, text }) => phase === 'verify' && text.endsWith('rows/digest')],
]

test.each(kindsOfChanges.map((kind, i) => [...kind, String(i % 2)]))(
  '%s arrives',
  async (...kind) => {
    const statements = kind.slice(1, -1)
    const [, when] = moments[Number(kind.at(-1))] as (typeof moments)[number]
    await using world = await createHttpWorld({ over: bothEnds, plan, both: changeableKeys })
    await world.addTenant('acme', 10)
    await world.addTenant('beta', 4)
    await using _worker = await world.work()
    const before = await rowsAt(world, 'source', 'acme')
    const { move, said } = await moveWhile(world, statements, when)
    expect(said).toBe('accepted')
    expect([move?.phase, move?.error_message]).toEqual(['moved', null])
    const rows = await rowsAt(world, 'source', 'acme')
    expect(rows).not.toEqual(before)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(rows)
    expect(await rowsAt(world, 'target', 'beta')).toEqual([])
  },
)
