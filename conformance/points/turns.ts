/** Points on turns: the newest attempt has it, whatever older ones still believe. */
import { randomUUID } from 'node:crypto'
import { expectTurnRefused } from '../flags.ts'
import { expectSame, type Point } from '../point.ts'
import { attempt, claim, nextTurn, onScratch, raise } from '../scratch.ts'

export const turnPoints: readonly Point[] = [
  {
    name: 'turns.take',
    says: 'the higher number takes the turn, and takes it again when it asks again',
    needs: ['description.valid'],
    check: onScratch(async (end) => {
      const hold = { scope: end.scope, tenant: end.scratch, token: randomUUID() }
      const turn = String(nextTurn())
      expectSame(await end.ask('takeTurn', { ...hold, turn }), true, 'takeTurn')
      expectSame(await end.ask('takeTurn', { ...hold, turn }), true, 'the same once more')
    }),
  },
  {
    name: 'turns.lower',
    says: 'a lower number, or the same of another attempt, does not',
    needs: ['turns.take'],
    check: onScratch(async (end) => {
      const hold = { scope: end.scope, tenant: end.scratch, token: randomUUID() }
      const turn = nextTurn()
      await end.ask('takeTurn', { ...hold, turn: String(turn) })
      for (const number of [turn, turn - 1n, 9n]) {
        const other = { ...hold, token: randomUUID(), turn: String(number) }
        expectSame(await end.ask('takeTurn', other), false, `${number} after ${turn}`)
      }
    }),
  },
]

/** After the points on what a flag does in the hands of who may. */
export const passedTurnPoints: readonly Point[] = [
  {
    name: 'turns.passed',
    says: 'an attempt whose turn has passed changes nothing, flag or no flag, its own or not',
    needs: ['turns.take', 'fences.raise', 'claims.claim'],
    check: onScratch(async (end) => {
      const old = await attempt(end)
      const next = await attempt(end)
      await expectTurnRefused(end, old)
      await raise(end, next)
      await expectTurnRefused(end, old)
      await end.ask('lowerFence', next.hold)
      const fenced = await attempt(end)
      await raise(end, fenced)
      await attempt(end)
      await expectTurnRefused(end, fenced)
    }),
  },
  {
    name: 'turns.passed-claim',
    says: 'the same where the end receives the tenant, or has given it away',
    needs: ['turns.passed'],
    check: onScratch(async (end) => {
      const claimed = await attempt(end)
      await claim(end, claimed)
      const later = await attempt(end)
      await expectTurnRefused(end, claimed)
      await end.ask('adopt', { ...later.hold, moveId: claimed.moveId, mode: 'receiving' })
      await end.ask('giveUpTarget', later.hold)
      await raise(end, later)
      await end.ask('markMoved', { ...later.hold, movedTo: 'elsewhere' })
      await attempt(end)
      await expectTurnRefused(end, later)
    }),
  },
]
