/** Enqueues all tenants in a process of its own, and prints what that took. */
import { open } from '../../src/index.ts'
import { plan } from './plan.ts'

await using rehome = await open()
const begun = performance.now()
const { runId, waves } = await rehome.enqueue(plan)
const seconds = (performance.now() - begun) / 1000
const tenants = waves.reduce((sum, wave) => sum + wave.tenants, 0)
const peakMb = process.resourceUsage().maxRSS / 1024
process.stdout.write(JSON.stringify({ runId, tenants, seconds, peakMb }))
