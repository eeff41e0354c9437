// Worker processes that end, or stand still, at one of their remote calls.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { PlanInput } from '../../../src/plan/plan.ts'
import type { CallPoint } from '../moments/call-points.ts'
import type { World } from '../world.ts'

export interface FailingWorker {
  readonly process: ChildProcess
  /** Begins to take jobs; until then it is only loaded. Rejects when it ends before. */
  begin(): Promise<void>
  /** The calls so far; empty where it is to fail. */
  readonly points: readonly CallPoint[]
  /** Resolves when it is about to fail. Rejects when it ends before. */
  readonly failing: Promise<void>
  /** Resolves with the signal, or null where it ended by itself. */
  readonly ended: Promise<NodeJS.Signals | null>
}

export interface Failure {
  readonly tenant: string
  /** A point's name or place; absent: the worker tells of all its calls, and does not fail. */
  readonly at?: string
  readonly signal?: 'SIGKILL' | 'SIGSTOP'
}

export interface Program {
  readonly file: string
  readonly changes: Partial<PlanInput>
  /** Where the tenant writes meanwhile, always at the same moments. */
  readonly writes?: 'SOURCE_URL' | 'TARGET_URL'
}

/** `file` is a compiled worker-process. It is killed with the test that started it. */
export function startFailing(
  world: World,
  failure: Failure,
  { file, changes, writes }: Program,
): FailingWorker {
  const child = spawn(process.execPath, [file], {
    env: {
      ...process.env,
      ...world.environment,
      PLAN_CHANGES: JSON.stringify(changes),
      HOLD: 'yes',
      ...(writes && { WRITES: writes }),
      FAIL_TENANT: failure.tenant,
      ...(failure.at && { FAIL_AT: failure.at, FAIL_SIGNAL: failure.signal ?? 'SIGKILL' }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const points: CallPoint[] = []
  const ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null)
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      if (line === 'ready') resolve()
      else points.push(JSON.parse(line) as CallPoint)
    })
    void ended.then(() => reject(new Error('the worker ended before it was ready')))
  })
  const failing = new Promise<void>((resolve, reject) => {
    lines.on('line', () => {
      if (points.at(-1)?.stopped) resolve()
    })
    void ended.then(() => reject(new Error('the worker ended before it came to its place')))
  })
  for (const promise of [ready, failing]) promise.catch(() => {})
  const begin = async () => {
    child.stdin.write('begin\n')
    await ready
  }
  return { process: child, begin, points, failing, ended }
}
