/**
 * Asks rehome for moves, retries, rollbacks, ends of windows and clean-ups, of tenants without
 * another request just now, all the time.
 *
 * What it asks for depends on where the tenant's last move stands; being refused is an answer that
 * is counted. It judges nothing but this: two moves of one tenant are never open at one time.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { type EndName, otherEnd } from '../demo/application/ledger.ts'
import type { Move } from '../src/control/database.ts'
import type { Library } from '../src/coordinator/rehome.ts'
import { messageOf, RehomeError } from '../src/errors.ts'
import type { PlanInput } from '../src/plan/plan.ts'
import type { Log } from './log.ts'
import { type ChosenStrategy, plansOf } from './plan.ts'
import type { Random } from './random.ts'
import { discarding, type Ends } from './tenants.ts'
import { homeOf } from './writers/homes.ts'

export interface ErrandsOptions {
  readonly rehome: Library
  readonly pools: Ends<pg.Pool> & { readonly control: pg.Pool }
  readonly tenants: readonly string[]
  /** Tenants that must not be written to; it adds and removes some. */
  readonly quiet: Set<string>
  readonly strategy: ChosenStrategy
  readonly random: Random
  readonly log: Log
  /** How many it looks after at one time. Default 8. */
  readonly atOnce?: number
}

const settledMsMax = 20_000
const resumeEveryMs = 200
const resumesMax = 300

type Asked = 'retry' | 'rollback' | 'finalize' | 'cleanup'

export class Errands {
  /** Requests and their number: `move`, `rollback refused: WRITES_WOULD_BE_LOST`. */
  readonly counts = new Map<string, number>()
  /** Tenants of which two moves were open at one time. */
  readonly doubled: string[] = []
  readonly #options: ErrandsOptions
  readonly #ending = new AbortController()
  readonly #busy = new Set<string>()
  readonly #loops: Promise<void>[]

  constructor(options: ErrandsOptions) {
    this.#options = options
    setMaxListeners(0, this.#ending.signal)
    this.#loops = Array.from({ length: options.atOnce ?? 8 }, () => this.#keepAsking())
  }

  /** Asks for nothing more. What is under way goes on. */
  async end(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#loops)
    this.#options.quiet.clear()
  }

  async #keepAsking(): Promise<void> {
    const { random, tenants, log } = this.#options
    while (!this.#ending.signal.aborted) {
      await this.#wait(random.between(0, 400))
      const tenant = random.pick(tenants)
      if (this.#busy.has(tenant)) continue
      this.#busy.add(tenant)
      try {
        await this.#look(tenant)
      } catch (error) {
        this.#count(`not asked: ${codeOf(error)}`)
        log.note('errand', `not asked: ${messageOf(error)}`, tenant)
      } finally {
        this.#busy.delete(tenant)
      }
    }
  }

  /** One errand that fits where the tenant's last move stands. */
  async #look(tenant: string): Promise<void> {
    const { random } = this.#options
    const moves = await this.#movesOf(tenant)
    const last = moves.at(-1)
    if (last?.open) return await this.#settled(last)
    if (moves.length > 1 && random.chance(0.1)) return await this.#askLate(moves)
    const drawn = random.next()
    if (last?.phase === 'failed' && drawn < 0.5) return await this.#ask(last, 'retry')
    if (last?.phase === 'failed' && drawn < 0.75) return await this.#ask(last, 'rollback')
    if (last?.phase === 'moved' && drawn < 0.35) return await this.#ask(last, 'rollback')
    if (last?.phase === 'moved' && last.window_until) return await this.#ask(last, 'finalize')
    if (last?.phase === 'moved' && drawn < 0.6) return await this.#ask(last, 'cleanup')
    if (last?.phase === 'rolled_back' && drawn < 0.4) return await this.#ask(last, 'cleanup')
    await this.#move(tenant)
  }

  /** An errand of a move that later ones have followed: whatever it does, it must not do harm. */
  async #askLate(moves: readonly Move[]): Promise<void> {
    const { random } = this.#options
    const old = random.pick(moves.slice(0, -1))
    await this.#ask(
      old,
      random.pick(['retry', 'rollback', 'finalize', 'cleanup'] as const),
      'late ',
    )
  }

  async #move(tenant: string): Promise<void> {
    const { random, quiet, pools } = this.#options
    const home = await homeOf(pools, tenant)
    if (!home) return
    const isQuiet = random.chance(0.25)
    if (isQuiet) quiet.add(tenant)
    try {
      const move = await this.#enqueue(tenant, home)
      if (!move) return
      if (random.chance(0.15)) await this.#enqueueAgain(move, otherEnd(home))
      if (random.chance(0.12)) await this.#callOff(move)
      else if (random.chance(0.2)) await this.#steer(move)
      await this.#settled(move)
      const now = (await this.#movesOf(tenant)).at(-1)
      if (isQuiet && now?.phase === 'moved' && !now.open) await this.#ask(now, 'rollback', 'quiet ')
    } finally {
      quiet.delete(tenant)
    }
  }

  async #enqueue(tenant: string, home: EndName): Promise<Move | undefined> {
    const { rehome, log } = this.#options
    const plan = this.#planFrom(home)
    const asked = await this.#counted('move', () => rehome.enqueue(plan, { tenants: [tenant] }))
    log.note('errand', `${plan.name} ${asked ? '' : 'refused'}`, tenant)
    return asked ? (await this.#movesOf(tenant)).at(-1) : undefined
  }

  #planFrom(home: EndName): PlanInput {
    const { random, strategy } = this.#options
    return random.pick(plansOf(strategy)[home])
  }

  /** Before the first one has ended it has to be refused, whichever way it would go. */
  async #enqueueAgain(first: Move, other: EndName): Promise<void> {
    const { rehome, random } = this.#options
    const tenants = [first.tenant_id]
    const plan = this.#planFrom(random.chance(0.5) ? other : otherEnd(other))
    await this.#counted('move at the same time', () => rehome.enqueue(plan, { tenants }))
    const open = (await this.#movesOf(first.tenant_id)).filter((move) => move.open)
    if (open.length > 1) this.doubled.push(first.tenant_id)
  }

  async #callOff(move: Move): Promise<void> {
    await this.#wait(this.#options.random.between(0, 900))
    await this.#ask(move, 'rollback', 'early ')
  }

  /** Cancels the move, or pauses it for a while, whichever phase it is in. */
  async #steer({ run_id: run, tenant_id: tenant }: Move): Promise<void> {
    const { rehome, random, log } = this.#options
    const options = random.chance(0.5) ? { tenants: [tenant] } : {}
    await this.#wait(random.between(0, 900))
    if (random.chance(0.4)) {
      const ends = await this.#counted('cancel', () => rehome.cancel(run, options))
      return log.note('errand', `cancel of ${run}: ${JSON.stringify(ends)}`, tenant)
    }
    const finish = random.chance(0.3)
    const name = finish ? 'pause --finish' : 'pause'
    try {
      await this.#counted(name, () => rehome.pause(run, { ...options, finish }))
      log.note('errand', `${name} of ${run}`, tenant)
      await this.#wait(random.between(0, 3_000))
    } finally {
      await this.#resume(run, options)
    }
  }

  /** Until it is done, as nothing else would ever end the move. The pause may have been stored. */
  async #resume(run: string, options: { tenants?: string[] }): Promise<void> {
    const { rehome, log } = this.#options
    for (let tries = 0; tries < resumesMax; tries += 1) {
      const error = await rehome.resume(run, options).then(
        () => null,
        (failure: unknown) => failure,
      )
      if (error === null) return log.note('errand', `resume of ${run}`)
      await delay(resumeEveryMs)
    }
    this.#count('never resumed')
  }

  async #ask(move: Move, errand: Asked, how = ''): Promise<void> {
    const { rehome, random, log } = this.#options
    const [tenants, run] = [[move.tenant_id], move.run_id]
    const discards = errand === 'rollback' && discarding.includes(move.tenant_id)
    const discardWrites = discards && random.chance(0.6)
    const name = `${how}${errand}${discardWrites ? ' --discard-writes' : ''}`
    const asked = await this.#counted(name, () =>
      errand === 'rollback'
        ? rehome.rollback(run, { tenants, discardWrites })
        : rehome[errand](run, { tenants }),
    )
    log.note('errand', `${name} of ${run}${asked ? '' : ' refused'}`, move.tenant_id)
    if (asked) await this.#settled(move)
  }

  async #settled(move: Move): Promise<void> {
    const deadline = performance.now() + settledMsMax
    while (!this.#ending.signal.aborted && performance.now() < deadline) {
      await this.#wait(100)
      const moves = await this.#movesOf(move.tenant_id).catch(() => [])
      const now = moves.find(({ id }) => id === move.id)
      if (now && !now.open) {
        const why = now.error_code ? `, ${now.error_code}: ${now.error_message}` : ''
        this.#options.log.note('errand', `${now.errand} ended: ${now.phase}${why}`, now.tenant_id)
        return
      }
    }
  }

  /** In the order in which they were asked for. */
  async #movesOf(tenant: string): Promise<Move[]> {
    const query = `select * from rehome_control.moves where tenant_id = $1
      order by created_at, run_id`
    return (await this.#options.pools.control.query<Move>(query, [tenant])).rows
  }

  /** null where it was refused as things stand. Other errors are the caller's. */
  async #counted<T>(name: string, ask: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await ask()
      this.#count(name)
      return answer
    } catch (error) {
      if (!(error instanceof RehomeError) || error.retryable) throw error
      this.#count(`${name} refused: ${error.code}`)
      return null
    }
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }

  /** Ends early when there is to be no more. */
  async #wait(ms: number): Promise<void> {
    const { signal } = this.#ending
    if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {})
  }
}

function codeOf(error: unknown): string {
  return error instanceof RehomeError ? error.code : 'UNREACHABLE'
}
