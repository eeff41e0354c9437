// Which of many equal places a test takes this time: another one with each commit, and without git
// with each day. It is printed, so that a run can be repeated: ROTATION=1234 npx vitest run …
import { execFileSync } from 'node:child_process'

let known: number | null = null

/** A number for this run of the tests, the same in all of its files. */
export function rotation(): number {
  known ??= chosen()
  return known
}

/** One of the items, another one in each rotation; `salt` tells uses apart. */
export function oneOf<T>(items: readonly T[], salt = 0): T[] {
  const item = items[(rotation() + salt) % items.length]
  return item === undefined ? [] : [item]
}

function chosen(): number {
  const given = process.env.ROTATION
  const number = given === undefined ? (commitNumber() ?? dayNumber()) : Number(given)
  process.stderr.write(`ROTATION=${number}\n`)
  return number
}

function commitNumber(): number | null {
  try {
    const hash = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' })
    return Number.parseInt(hash.slice(0, 7), 16)
  } catch {
    return null
  }
}

function dayNumber(): number {
  return Math.floor(Date.now() / 86_400_000)
}
