/**
 * The interface of a bench: its input, and its result: figures of variants that were measured
 * in turns within one run, and the aims that they are held against.
 */
import type { PostgresServer } from '../dev/postgres.ts'
import type { LoadProgram } from './load.ts'
import { ratiosOf, type Spread, spreadOf } from './spread.ts'

export interface Bench {
  readonly name: string
  /** One line for the list of benches. */
  readonly summary: string
  /** Tenants, where the call names no number. Default 300. */
  readonly tenants?: number
  /** Server settings, beyond those of every bench. */
  readonly settings?: Readonly<Record<string, string>>
  run(stage: BenchStage): Promise<readonly Figure[]>
}

export interface BenchSize {
  /** Rows of the large statements. */
  readonly rows: number
  /** Tenants of a run. */
  readonly tenants: number
  /** Rounds: each variant is measured once in a round. */
  readonly runs: number
  /** The length of one slice of load. */
  readonly seconds: number
}

/** Everything a bench may start from. Whatever it starts ends with the run, also on Ctrl-C. */
export interface BenchStage extends BenchSize {
  readonly server: PostgresServer
  readonly load: LoadProgram
  readonly signal: AbortSignal
  /** Says what is measured now. Never on standard output. */
  tell(line: string): void
}

export interface Aim {
  /** `ratio`, or the name of a variant. */
  readonly of: string
  readonly relation: 'at least' | 'at most'
  readonly limit: number
}

export interface Figure {
  readonly what: string
  readonly unit: string
  readonly variants: Readonly<Record<string, Spread>>
  /** `fenced / bare`, where one variant is measured by another. */
  readonly ratio: Spread | null
  readonly aim: Aim | null
  /** null: there is no aim. */
  readonly met: boolean | null
}

export interface Measured {
  readonly what: string
  readonly unit: string
  /** Variant → one sample a round. */
  readonly samples: Readonly<Record<string, readonly number[]>>
  /** The variant in question, and the one that it is measured by. */
  readonly ratio?: readonly [above: string, below: string]
  readonly aim?: Aim
}

export function figureOf({ what, unit, samples, ratio: pair, aim }: Measured): Figure {
  const entries = Object.entries(samples).map(([name, list]) => [name, spreadOf(list)] as const)
  const variants: Record<string, Spread> = Object.fromEntries(entries)
  const ratio = pair ? ratiosOf(samples[pair[0]] ?? [], samples[pair[1]] ?? []) : null
  const held = aim?.of === 'ratio' ? ratio : variants[aim?.of ?? '']
  return { what, unit, variants, ratio, aim: aim ?? null, met: aim ? meets(aim, held) : null }
}

function meets({ relation, limit }: Aim, held: Spread | null | undefined): boolean {
  if (!held) return false
  return relation === 'at least' ? held.median >= limit : held.median <= limit
}

/**
 * Runs each variant once a round, and begins each round with another one: the first one finds
 * colder caches. Variant → what its runs returned, in the order of rounds.
 */
export async function alternate<Name extends string, T>(
  { runs, signal }: Pick<BenchStage, 'runs' | 'signal'>,
  variants: Readonly<Record<Name, () => Promise<T>>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(variants) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    T[]
  >
  for (let round = 0; round < runs; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length]
      if (name === undefined) continue
      signal.throwIfAborted()
      results[name].push(await variants[name]())
    }
  }
  return results
}
