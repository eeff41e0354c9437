// The fence against its model: any sequence of what writers, workers, zombies and time do gets from
// a real database exactly the answers that the model gives.
//
// FENCE_SEED=… tries other sequences, FENCE_RUNS=… more of them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWorld } from '../../helpers/world.ts'
import {
  type AttemptOp,
  type FenceModel,
  type Mode,
  newFence,
  type Op,
  possible,
  predict,
  type WriterOp,
} from './fence-model.ts'
import { RealFence } from './fence-real.ts'

/** One wish, or a scene of several that bring a fence to where it gets interesting. */
class Command implements fc.AsyncCommand<FenceModel, RealFence> {
  readonly wishes: readonly Wish[]
  constructor(...wishes: readonly Wish[]) {
    this.wishes = wishes
  }
  check(fence: Readonly<FenceModel>): boolean {
    return this.wishes.length > 1 || this.wishes.some((wish) => possible(fence, opOf(wish, fence)))
  }
  async run(fence: FenceModel, real: RealFence): Promise<void> {
    for (const wish of this.wishes) {
      const op = opOf(wish, fence)
      if (!possible(fence, op)) continue
      const expected = predict(fence, op)
      const outcome = await real.perform(op)
      const found = { op, outcome, flag: await real.flag() }
      expect(found).toEqual({ op, outcome: expected, flag: seen(fence) })
      told.add(`${op.do}: ${outcome}`)
    }
  }
  toString(): string {
    return JSON.stringify(this.wishes)
  }
}

/** Outcomes that were seen, each with its command. */
const told = new Set<string>()

/** Without these the sequences would show little. */
const all = [
  ...['accepted', '25006', '40001'].map((outcome) => `write: ${outcome}`),
  ...['raise', 'claim', 'renew', 'markMoved', 'takeOver', 'remove', 'hold', 'takeTurn'].flatMap(
    (what) => [`${what}: yes`, `${what}: no`],
  ),
  ...['adopt: yes', 'letOpen: yes', 'open: yes', 'markMoved: blocked', 'renew: blocked'],
  ...['lapse: yes', 'drain: yes', 'drain: timeout', 'commit: yes', 'rollback: yes', 'letGo: yes'],
]

/** A command; where it says `same` it takes the value of the flag when its time comes. */
interface Wish {
  readonly do: Op['do']
  readonly writer?: number
  readonly by?: number | 'same' | 'turn'
  readonly epoch?: number | 'same'
  readonly mode?: Mode | 'same'
}

function opOf(wish: Wish, { flag, turn }: FenceModel): Op {
  const { by, epoch, mode } = wish
  const number = { same: flag?.token ?? 0, turn: Math.max(turn, 0) }
  return {
    ...wish,
    by: typeof by === 'string' ? number[by] : by,
    epoch: epoch === 'same' ? (flag?.openedBy ?? flag?.epoch ?? 0) : epoch,
    mode: mode === 'same' ? (flag?.mode ?? 'moved') : mode,
  } as Op
}

function seen({ flag }: FenceModel) {
  if (!flag) return null
  const { openedBy: _, ...rest } = flag
  return rest
}

const number = fc.integer({ min: 0, max: 2 })
const epoch = fc.oneof(number, fc.constant('same'))
const mode = fc.constantFrom('read_only', 'receiving', 'moved', 'same', 'same', 'same')
const ofWriter = (...what: WriterOp['do'][]) =>
  fc.record({ do: fc.constantFrom(...what), writer: number })
const byTurn = (...what: AttemptOp['do'][]) =>
  fc.record({
    do: fc.constantFrom(...what),
    by: fc.oneof(number, fc.constant('turn')),
    epoch,
    mode,
  })
const byToken = (...what: AttemptOp['do'][]) =>
  fc.record({ do: fc.constantFrom(...what), by: fc.oneof(number, fc.constant('same')), mode })

const wish = fc.oneof(
  { weight: 5, arbitrary: ofWriter('begin') },
  { weight: 6, arbitrary: ofWriter('write') },
  { weight: 4, arbitrary: ofWriter('commit', 'rollback') },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('takeTurn'), by: number }) },
  { weight: 5, arbitrary: byTurn('raise', 'raise', 'claim') },
  { weight: 4, arbitrary: byTurn('takeOver', 'adopt') },
  { weight: 5, arbitrary: byToken('renew', 'markMoved', 'letOpen', 'remove') },
  { weight: 4, arbitrary: byToken('hold', 'letGo') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('open'), epoch }) },
  { weight: 5, arbitrary: fc.constantFrom({ do: 'lapse' }, { do: 'lapse' }, { do: 'reap' }) },
  { weight: 3, arbitrary: fc.constant({ do: 'drain' }) },
)

const opening = fc.tuple(number, fc.constantFrom('raise', 'claim')).map(([by, close]) => [
  { do: 'takeTurn', by },
  { do: close, by },
])
const writing = number.map((writer) => [
  { do: 'begin', writer },
  { do: 'write', writer },
])
const lapsing = number.map((writer) => [
  { do: 'lapse' },
  ...['begin', 'write'].map((what) => ({ do: what, writer })),
])
const overtaken = fc
  .tuple(number, byToken('renew', 'markMoved', 'letOpen', 'remove', 'hold'))
  .map(([by, late]) => [
    { do: 'takeTurn', by },
    { ...late, by: 'same', mode: 'same' },
  ])
const outdated = number.map((writer) => [
  { do: 'begin', writer },
  { do: 'drain' },
  { do: 'write', writer },
])
const ending = number.map((by) => [
  { do: 'takeTurn', by },
  { do: 'raise', by },
  { do: 'adopt', by, mode: 'same' },
  { do: 'markMoved', by },
  { do: 'letOpen', by },
  { do: 'open', epoch: 'same' },
])
const renewing = number.map((by) => [
  { do: 'takeTurn', by },
  { do: 'raise', by },
  { do: 'renew', by },
])
const late = fc
  .tuple(number, fc.constantFrom('renew', 'markMoved'))
  .map(([by, what]) => [
    { do: 'takeTurn', by },
    { do: 'raise', by },
    { do: 'lapse' },
    { do: 'begin', writer: 1 },
    { do: 'write', writer: 1 },
    { do: what, by },
  ])
const takingOver = fc.tuple(number, number).map(([first, second]) => [
  { do: 'takeTurn', by: first },
  { do: 'raise', by: first },
  { do: 'takeTurn', by: second },
  { do: 'takeOver', by: second, epoch: 'same' },
])
const holding = number.map((by) => [
  { do: 'takeTurn', by },
  { do: 'claim', by },
  { do: 'hold', by },
  { do: 'letGo', by },
])
const scene = fc.oneof(
  takingOver,
  ending,
  late,
  holding,
  renewing,
  opening,
  opening,
  writing,
  lapsing,
  overtaken,
  outdated,
)

test('answers every sequence of commands as its model does', async () => {
  await using world = await createWorld()
  const seed = Number(process.env.FENCE_SEED ?? 20_261_121)
  const numRuns = Number(process.env.FENCE_RUNS ?? 25)
  const commands = fc.commands(
    [
      wish.map((one) => new Command(one as Wish)),
      scene.map((wishes) => new Command(...(wishes as Wish[]))),
    ],
    {
      maxCommands: 30,
      size: 'max',
    },
  )
  const property = fc.asyncProperty(commands, async (sequence) => {
    await using real = await RealFence.open(world)
    await fc.asyncModelRun(() => ({ model: newFence(), real }), sequence)
  })
  await fc.assert(property, { seed, numRuns })
  if (process.env.FENCE_SEED === undefined) expect(all.filter((one) => !told.has(one))).toEqual([])
})
