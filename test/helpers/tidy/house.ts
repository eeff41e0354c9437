// This repository as it stands, and copies of it with a planted fault.
import { fileURLToPath } from 'node:url'
import { readSources, type Sources } from './sources.ts'

export type Rule = (sources: Sources) => string[]

/** Path → its whole text, or what becomes of the text that it has. */
export type Change = Readonly<Record<string, string | ((text: string) => string)>>

export const house = await readSources(fileURLToPath(new URL('../../..', import.meta.url)))

/** The house with these files changed or added. */
export function houseWith(change: Change): Sources {
  const copy = new Map(house)
  for (const [path, text] of Object.entries(change)) {
    copy.set(path, typeof text === 'string' ? text : text(house.get(path) ?? ''))
  }
  return copy
}

const known = new Map<Rule, readonly string[]>()

/** Faults that a rule finds only because of the change. */
export function foundBy(rule: Rule, change: Change): string[] {
  const before = known.get(rule) ?? rule(house)
  known.set(rule, before)
  return rule(houseWith(change)).filter((fault) => !before.includes(fault))
}
