// The contract of flags: what every transition promises, asked of each kind of end. How a flag is
// stored is not looked at: an end is asked, and an application there tries to write.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Actor,
  begin,
  bringTo,
  modeOf,
  newActor,
  newTenant,
  states,
} from '../helpers/ends/flag-states.ts'
import { type Mode, type Transition, transitions } from '../helpers/ends/flag-transitions.ts'
import { type Kind, kinds, openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'
import { partOf } from '../helpers/rotation.ts'

/** An existing API logs no changes, so nothing of a capture is asked of its flags. */
const ofCaptures = /captur|window/i
const offered = (kind: Kind, name: string) => kind !== 'api' || !ofCaptures.test(name)
const named = Object.entries(transitions)

describe.each(kinds)('%s', (kind) => {
  let at: TestEnd
  beforeAll(async () => {
    at = await openTestEnd(kind)
  })
  afterAll(() => at[Symbol.asyncDispose]())
  const known = states.filter((state) => offered(kind, state))

  const turns = partOf(named, 2).filter(([name]) => offered(kind, name))
  test.each(turns)(
    '%s is let through from its states alone, and only for who may ask',
    async (_, transition) => {
      for (const who of ['holder', 'successor', 'stranger'] as const) {
        const found = await Promise.all(
          known.map((state) => outcomeOf(at, transition, { who, state })),
        )
        const wanted = known.map((state) => transition[who][state] ?? 'refused')
        expect([who, table(found)]).toEqual([who, table(wanted)])
      }
      const late = await Promise.all(
        known.map((state) => outcomeOf(at, transition, { who: 'predecessor', state })),
      )
      expect(table(late)).toEqual(table(known.map(() => 'refused')))
    },
  )

  const table = (cells: readonly string[]) =>
    Object.fromEntries(known.map((state, i) => [state, cells[i]]))
})

interface Case {
  readonly who: 'holder' | 'successor' | 'stranger' | 'predecessor'
  readonly state: (typeof states)[number]
}

/** The mode afterwards, or that the transition was refused and has changed nothing. */
async function outcomeOf(
  at: TestEnd,
  transition: Transition,
  { who, state }: Case,
): Promise<string> {
  const { beside } = at
  const { flags } = at.end
  const tenant = newTenant()
  const first = await bringTo(at, tenant, state)
  const before = await beside.readFlag(first)
  const by = await actorFor(at, first, who)
  const answer = await transition.ask(flags, by, { first, flag: before })
  const after = await beside.readFlag(first)
  if (!answer) return sameFlag(before, after) ? 'refused' : `refused, but ${modeOf(after)}`
  if (typeof answer === 'object' && answer.mode !== after?.mode) return `answered ${answer.mode}`
  if (after && after.token !== by.token) return 'let through under the old token'
  const mode: Mode = modeOf(after)
  const again = await transition.ask(flags, by, { first, flag: before })
  if (transition.repeatable && !again) return `${mode}, once`
  if (modeOf(await beside.readFlag(first)) !== mode) return `${mode}, then another`
  const lets = mode === 'open' || mode === 'capturing' || after?.lapsed === true
  return (await at.write(tenant)) === lets
    ? mode
    : `${mode}, where writes are ${lets ? 'refused' : 'let in'}`
}

async function actorFor(
  { beside: flags }: TestEnd,
  first: Actor,
  who: Case['who'],
): Promise<Actor> {
  if (who === 'holder') return first
  const { tenant, moveId } = first
  const next = await begin(flags, newActor(tenant, who === 'stranger' ? {} : { moveId }))
  return who === 'predecessor' ? first : next
}

function sameFlag(before: object | null, after: object | null): boolean {
  const still = (flag: object | null) => JSON.stringify({ ...flag, heldMs: 0, lapsed: false })
  return still(before) === still(after)
}
