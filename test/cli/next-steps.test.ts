// Commands that JSON offers next: a shell reads a hostile tenant as it is.
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { stepsOfMove, stepsOfRun, tenantStep } from '../../src/cli/next-steps.ts'

test.each(['acme', '-rf', "it's", '$(touch x) `y` "z"', 'a\nb', '*', '--wait=1', 'ä 🏠'])(
  'tenant %j is one word of the shell',
  (tenant) => {
    const command = tenantStep('retry', 'run-1', tenant).replace(/^rehome/, `printf '[%s]'`)
    const out = execFileSync('sh', ['-c', command], { encoding: 'utf8' })
    const given = tenant.startsWith('-') ? `[--tenant=${tenant}]` : `[--tenant][${tenant}]`
    expect(out).toBe(`[retry][run-1]${given}`)
  },
)

test('a paused, open, failed or moved tenant has steps of its own', () => {
  const run = { id: 'r', paused: null }
  expect(stepsOfRun({ ...run, paused: 'now' }, { total: 1, open: 1, failed: 0 })).toEqual([
    ...['rehome resume r', 'rehome status r --watch'],
  ])
  expect(stepsOfRun(run, { total: 1, open: 0, failed: 1 })).toEqual([
    ...['rehome retry r', 'rehome report r --out report.html'],
  ])
  const steps = (phase: string, open = false, cleaned = false) =>
    stepsOfMove({ phase, open, cleanup_begun: cleaned }, { runId: 'r', tenant: 't' })
  expect(steps('copy', true)[0]).toBe('rehome logs r --follow -- t')
  expect(steps('failed')).toEqual(['rehome retry r --tenant t', 'rehome rollback r --tenant t'])
  expect(steps('moved')[0]).toBe('rehome rollback r --tenant t --dry-run')
  expect(steps('moved', false, true)).toEqual([])
})
