/** Rows that differ between two sides of a comparison, by their keys. Pure. */

export interface Hashes {
  /** Key → hash, of rows that are expected there. */
  readonly expected: ReadonlyMap<string, string>
  readonly found: ReadonlyMap<string, string>
}

export interface Difference {
  readonly key: string
  readonly is: 'missing' | 'extra' | 'different'
}

export function differencesOf({ expected, found }: Hashes): Difference[] {
  const differences: Difference[] = []
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    if (expected.get(key) === found.get(key)) continue
    const is = !found.has(key) ? 'missing' : !expected.has(key) ? 'extra' : 'different'
    differences.push({ key, is })
  }
  return differences
}
