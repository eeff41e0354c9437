// A lapsed lease: a writer that opens the fence, the mover's renewal and its cutover, in all
// orders, two and three at a time. Who holds the flag's row first decides what the others may do:
// no order lets a write in at an end that a cutover has closed, and no writer waits for another.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFenced, type Fenced, rowsOf } from '../helpers/fence/fenced.ts'
import { type End, join, type Player, type Role } from '../helpers/fence/lease-players.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { type Level, levels } from '../helpers/fence/writer.ts'
import { partOf } from '../helpers/rotation.ts'

/**
 * `nothing`: the mover found no row of its own. `refused`: another has the flag's row, and is not
 * waited for.
 */
type Answer = 'done' | 'nothing' | 'refused'

interface Order {
  /** In the order in which they reach the flag's row. */
  readonly players: readonly (readonly [role: Role, end: End, answer: Answer])[]
  /** The flag afterwards. */
  readonly flag: 'read_only' | 'moved' | 'gone'
}

const order = (flag: Order['flag'], ...players: string[]): Order => ({
  flag,
  players: players.map((text) => {
    const [role, end, , answer] = text.split(' ')
    return [role as Role, end === 'commits' ? 'commit' : 'rollback', answer as Answer]
  }),
})

const two: readonly Order[] = [
  order('gone', 'writer commits : done', 'renewal commits : nothing'),
  order('read_only', 'writer breaks : done', 'renewal commits : done'),
  order('gone', 'writer commits : done', 'cutover commits : nothing'),
  order('moved', 'writer breaks : done', 'cutover commits : done'),
  order('read_only', 'renewal commits : done', 'writer commits : refused'),
  order('read_only', 'renewal breaks : done', 'writer commits : refused'),
  order('moved', 'cutover commits : done', 'writer commits : refused'),
  order('read_only', 'cutover breaks : done', 'writer commits : refused'),
  order('moved', 'renewal commits : done', 'cutover commits : done'),
  order('moved', 'renewal breaks : done', 'cutover commits : done'),
  order('moved', 'cutover commits : done', 'renewal commits : nothing'),
  order('read_only', 'cutover breaks : done', 'renewal commits : done'),
  order('gone', 'writer commits : done', 'writer commits : refused'),
  order('read_only', 'writer breaks : done', 'writer commits : refused'),
]

const three: readonly Order[] = [
  order('gone', 'writer commits : done', 'renewal commits : nothing', 'cutover commits : nothing'),
  order('gone', 'writer commits : done', 'cutover commits : nothing', 'renewal commits : nothing'),
  order('moved', 'writer breaks : done', 'renewal commits : done', 'cutover commits : done'),
  order('read_only', 'writer breaks : done', 'cutover breaks : done', 'renewal commits : done'),
  order('moved', 'writer breaks : done', 'cutover commits : done', 'renewal commits : nothing'),
  order('moved', 'writer breaks : done', 'renewal breaks : done', 'cutover commits : done'),
  order('gone', 'writer commits : done', 'writer commits : refused', 'cutover commits : nothing'),
  order('moved', 'writer breaks : done', 'writer commits : refused', 'cutover commits : done'),
  order('moved', 'renewal commits : done', 'writer commits : refused', 'cutover commits : done'),
  order('moved', 'renewal commits : done', 'cutover commits : done', 'writer commits : refused'),
  order('moved', 'renewal breaks : done', 'writer commits : refused', 'cutover commits : done'),
  order('read_only', 'renewal breaks : done', 'cutover breaks : done', 'writer commits : refused'),
  order('moved', 'cutover commits : done', 'writer commits : refused', 'renewal commits : nothing'),
  order('moved', 'cutover commits : done', 'renewal commits : nothing', 'writer commits : refused'),
  order('read_only', 'cutover breaks : done', 'writer commits : refused', 'renewal commits : done'),
  order('read_only', 'cutover breaks : done', 'renewal commits : done', 'writer commits : refused'),
]

const titleOf = ({ players, flag }: Order) =>
  `${players.map(([role, end, answer]) => `${role} (${end}): ${answer}`).join(', ')}: ${flag}`

describe.each(levels)('at a lapsed lease, with %s writers', (level) => {
  let db: Fenced
  beforeAll(async () => {
    db = await createFenced()
  })
  afterAll(async () => await db[Symbol.asyncDispose]())

  test.each(partOf([...two, ...three], 2).map((each) => [titleOf(each), each] as const))(
    '%s',
    async (_, o) => {
      await play(db, level, o)
    },
  )
})

async function play(db: Fenced, level: Level, { players, flag }: Order): Promise<void> {
  const mover = createMover(db, 'acme', { pool: db.moverPool({ size: 1 }) })
  await mover.raiseLapsed()
  const before = await rowsOf(db.pool, 'acme')
  const joined: Player[] = []
  let inLine = 0
  for (const [role, , answer] of players) {
    const place = { number: joined.length, before: answer === 'refused' ? 0 : inLine }
    joined.push(await join({ db, mover, level }, role, place))
    if (answer !== 'refused') inLine += 1
  }
  // The second goes on when the first has ended, the third when the second has.
  const answers = await Promise.all(
    players.map(async ([, end], i) => {
      const answer = await joined[i]?.answer
      await joined[i]?.end(end)
      return answer
    }),
  )
  expect(answers).toEqual(players.map(([, , answer]) => expected(answer)))
  expect((await mover.flag())?.mode ?? 'gone').toBe(flag)
  const accepted = players.filter(([role, end], i) => {
    return role === 'writer' && end === 'commit' && answers[i] === 'done'
  })
  const added = (await rowsOf(db.pool, 'acme')).length - before.length
  expect(added).toBe(accepted.length)
  // The two homes: never a write that came after the cutover or was not seen by it.
  if (flag === 'moved') expect(accepted).toEqual([])
  await Promise.all(joined.map((player) => player[Symbol.asyncDispose]()))
  await db.pool.query('delete from rehome.tenant_flags; delete from visits where hits = 77')
}

function expected(answer: Answer): string {
  return answer === 'refused' ? '25006' : answer
}
