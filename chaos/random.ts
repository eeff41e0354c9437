/**
 * Random numbers that come again: the same seed and name give the same sequence.
 *
 * Not for secrets. Each user has a sequence of his own by name, so that how often one draws changes
 * nothing for the others.
 */
export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number
  /** A whole number, both borders included. */
  between(lowest: number, highest: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

export function randomOf(seed: number, name: string): Random {
  let state = hash(`${seed} ${name}`)
  const next = () => {
    // mulberry32, by Tommy Ettinger.
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    between: (lowest, highest) => lowest + Math.floor(next() * (highest - lowest + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new Error('there is nothing to pick from')
      return item
    },
  }
}

/** FNV-1a over the text's UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  }
  return value | 0
}
