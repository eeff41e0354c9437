// Which of many equal places a test takes this time: the next one with each commit, and without git
// with each day. So as many successive commits as there are places, or parts, take all of them. The
// number is printed, so that a run can be repeated: ROTATION=1234 npx vitest run … What is in parts
// is taken whole by ROTATION=all, as `npm run test:all` says.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'

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

/** Whether this one of a list is in the part that is taken: each is in one of `parts`. */
export function isInPart(index: number, parts: number): boolean {
  return (index + rotation()) % parts === 0
}

/** Those of a list whose turn it is: each is in one of `parts`. All of them for ROTATION=all. */
export function partOf<T>(items: readonly T[], parts: number): T[] {
  return items.filter((_, i) => takesAll() || isInPart(i, parts))
}

/** Whether parts are taken whole. */
export function takesAll(): boolean {
  return process.env.ROTATION === 'all'
}

/** A number for a name that stands in no list, the same in every run. */
export function indexOfName(name: string): number {
  return createHash('md5').update(name).digest().readUInt16BE()
}

function chosen(): number {
  const given = takesAll() ? undefined : process.env.ROTATION
  const number = given === undefined ? (commitNumber() ?? dayNumber()) : Number(given)
  process.stderr.write(`ROTATION=${number}\n`)
  return number
}

/** How many commits came before. A shallow clone does not know, and takes any number. */
function commitNumber(): number | null {
  try {
    const shallow = git('rev-parse', '--is-shallow-repository') === 'true'
    if (!shallow) return Number(git('rev-list', '--count', 'HEAD'))
    return Number.parseInt(git('rev-parse', 'HEAD').slice(0, 7), 16)
  } catch {
    return null
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim()
}

function dayNumber(): number {
  return Math.floor(Date.now() / 86_400_000)
}
