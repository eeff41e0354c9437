/**
 * Counts wrong tokens by the address that they come from: an address with many has to wait. Memory
 * is bounded, whatever addresses there are.
 */
import { isIPv6 } from 'node:net'

export interface WrongTokens {
  /** How long the address has to wait before a token is looked at, in s. 0: not at all. */
  waitS(address: string): number
  /** A wrong one came from there. */
  count(address: string): void
}

const triesMax = 10
const windowMs = 60_000
const addressesMax = 10_000

interface Tries {
  readonly since: number
  readonly count: number
}

/** `clock` is in ms. */
export function createWrongTokens(clock: () => number = () => performance.now()): WrongTokens {
  const tries = new Map<string, Tries>()
  const triesOf = (key: string): Tries => {
    const entry = tries.get(key)
    return entry && clock() - entry.since < windowMs ? entry : { since: clock(), count: 0 }
  }
  return {
    waitS(address) {
      const { since, count } = triesOf(groupOf(address))
      return count < triesMax ? 0 : Math.ceil((since + windowMs - clock()) / 1000)
    },
    count(address) {
      const key = groupOf(address)
      const { since, count } = triesOf(key)
      tries.delete(key)
      tries.set(key, { since, count: count + 1 })
      const [oldest] = tries.keys()
      if (tries.size > addressesMax && oldest !== undefined) tries.delete(oldest)
    },
  }
}

/** The network of an IPv6 address: one machine has all addresses of it. */
function groupOf(address: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
