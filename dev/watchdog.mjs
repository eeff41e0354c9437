// Holds one server on behalf of another process, and ends it when that process is gone.
//
// Standard input is the life line: orders come in on it, one JSON object a line. If it closes, for
// whatever reason (the owner returned, crashed, or was killed by SIGKILL), the server is ended and
// its directory removed. Plain JavaScript, so that it starts in 40 ms and without a loader.
// It does not know what a server is, nor whether one answers: supervise.ts is its only caller.
// Invariant: it signals only the program that it started, and removes only what its guard names.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** How long a program may take to die of its last signal before SIGKILL: 10 s. */
const LAST_SIGNAL_MS_MAX = 10_000

/** @type {import('./supervise.ts').Guard} */
const guard = JSON.parse(process.argv[2] ?? '{}')
/** @type {import('node:child_process').ChildProcess | undefined} */
let child
let ending = false

/** @param {object} message */
const report = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

function start({ command, args, argv0, cwd, env, uid, gid, log }) {
  if (ending) return
  const output = openSync(log, 'a', 0o600)
  const stdio = ['ignore', output, output]
  const program = spawn(command, args, { argv0, cwd, env, uid, gid, stdio })
  closeSync(output)
  child = program
  program.once('spawn', () => report({ event: 'started', pid: program.pid }))
  program.once('error', (error) => {
    if (child !== program) return
    child = undefined
    report({ event: 'failed', message: error.message })
  })
  program.once('exit', (code, signal) => {
    child = undefined
    report({ event: 'exited', code, signal })
    if (ending) leave()
  })
}

/** @param {NodeJS.Signals} signal */
function end(signal) {
  if (ending) return
  ending = true
  if (child === undefined) return leave()
  child.kill(signal)
  setTimeout(() => child?.kill('SIGKILL'), LAST_SIGNAL_MS_MAX)
}

function leave() {
  if (guard.afterwards) spawnSync(guard.afterwards.command, guard.afterwards.args)
  for (const path of guard.remove) {
    rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
  process.exit(0)
}

// A report without a reader is no reason to die before the server does.
process.stdout.on('error', () => {})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(signal, () => end(guard.lastSignal))
}
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { order, program, signal } = JSON.parse(line)
    if (order === 'start') start(program)
    else if (order === 'signal') child?.kill(signal)
    else if (order === 'end') end(signal)
  })
  .on('close', () => end(guard.lastSignal))
