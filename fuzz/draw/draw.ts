/** Random choices with weights, and how SQL writes names and literals. */
import { type Random, randomOf } from '../../chaos/random.ts'

export type { Random }

export function randomOfCase(seed: number, number: number, what: string): Random {
  return randomOf(seed, `case ${number} ${what}`)
}

/** One of the keys, each as often as its number says. */
export function weighted<T extends string>(
  random: Random,
  weights: Readonly<Record<T, number>>,
): T {
  const entries = Object.entries(weights) as [T, number][]
  let left = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [key, weight] of entries) {
    left -= weight
    if (left < 0) return key
  }
  return entries[0]?.[0] as T
}

export function name(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

export function names(list: readonly string[]): string {
  return list.map(name).join(', ')
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
