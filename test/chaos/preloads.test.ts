// What is loaded before a worker of the chaos: a clock that is off, and a readiness to die.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

function runWith(preload: 'clock' | 'crash', env: Record<string, string>, script: string) {
  const file = fileURLToPath(new URL(`../../chaos/${preload}-preload.ts`, import.meta.url))
  const args = ['--import', tsx, '--import', file, '--input-type=module', '--eval', script]
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } })
}

test('a clock that is off is off wherever it is read, and dates that are given are not', () => {
  const script = `console.log(JSON.stringify({
    now: Date.now(), made: new Date().getTime(), text: Date.parse(Date()),
    given: new Date(0).toISOString(), isDate: new Date() instanceof Date }))`
  const { stdout } = runWith('clock', { CHAOS_CLOCK_MS: '600000' }, script)
  const said = JSON.parse(stdout)
  for (const key of ['now', 'made', 'text']) {
    expect(said[key] - Date.now()).toBeGreaterThan(500_000)
    expect(said[key] - Date.now()).toBeLessThan(601_000)
  }
  expect(said).toMatchObject({ given: '1970-01-01T00:00:00.000Z', isDate: true })
})

const call = (tenant: string) => `import { channel } from 'node:diagnostics_channel'
  channel('rehome:call').publish({ to: 'source', text: 'commit', moment: 'after' ${tenant} })
  console.log('lives')`

test('a worker dies at a remote call, and says last of all which it was', () => {
  const ended = runWith('crash', { CHAOS_CRASH: '1' }, call(`, tenant: 'acme', phase: 'cutover'`))
  expect(ended).toMatchObject({ signal: 'SIGKILL', stdout: '' })
  expect(JSON.parse(ended.stderr.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    crashed: expect.any(Number),
    to: 'source',
    text: 'commit',
    moment: 'after',
    tenant: 'acme',
    phase: 'cutover',
  })
})

test('a worker that is not to die lives through all calls, and one without calls, too', () => {
  const tenant = `, tenant: 'acme'`
  expect(runWith('crash', {}, call(tenant)).stdout).toBe('lives\n')
  expect(runWith('crash', { CHAOS_CRASH: '1' }, `console.log('lives')`).stdout).toBe('lives\n')
})
