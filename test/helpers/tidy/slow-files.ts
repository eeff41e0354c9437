// How long test files may take. A file of the default tier that takes longer is to be split, or its
// exhaustive part moved into a file `*.all.test.ts`.
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

export interface FileTime {
  readonly path: string
  readonly ms: number
}

/** On a machine that has nothing else to do. */
const fileMsMax = 60_000
/** Part of the sum of all files: a minute there. Beside other work all of them take longer. */
const fileShareMax = 1 / 20
const exhaustive = /\.all\.test\.ts$/

/** Files of the default tier that took too long, as sentences. */
export function slowFiles(times: readonly FileTime[]): string[] {
  const own = times.filter(({ path }) => !exhaustive.test(path))
  const sum = own.reduce((total, { ms }) => total + ms, 0)
  const most = Math.max(fileMsMax, sum * fileShareMax)
  return own
    .filter(({ ms }) => ms > most)
    .map(({ path, ms }) => `${path} took ${seconds(ms)} of ${seconds(most)}`)
}

/** The slowest first. */
export function slowest(times: readonly FileTime[], count: number): FileTime[] {
  return times.toSorted((left, right) => right.ms - left.ms).slice(0, count)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** Prints the ten slowest files after a run, and fails it where one of them is too slow. */
export default class SlowFilesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const times = modules.map(timeOf)
    if (times.length < 2) return
    const lines = slowest(times, 10).map(({ path, ms }) => `${seconds(ms).padStart(10)}  ${path}`)
    process.stdout.write(`\nSlowest files\n${lines.join('\n')}\n`)
    const slow = slowFiles(times)
    if (slow.length === 0) return
    process.stderr.write(`\nToo slow for \`npm test\`: ${slow.join('; ')}.\n`)
    process.stderr.write('Split the file, or move its exhaustive part into *.all.test.ts.\n')
    process.exitCode = 1
  }
}

function timeOf(module: TestModule): FileTime {
  const { collectDuration, duration } = module.diagnostic()
  return { path: relative(process.cwd(), module.moduleId), ms: collectDuration + duration }
}
