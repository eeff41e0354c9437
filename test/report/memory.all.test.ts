// A run whose tenants are more than the heap of the process that reports them could hold.
import { stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { verifyReport } from '../../src/index.ts'
import { plantRun } from '../dashboard/runs/plant-run.ts'
import { rehomeProcess } from '../helpers/command.ts'
import { createWorld } from '../helpers/world.ts'
import { newKey, temporaryFiles } from './sample.ts'

const tenants = 15_000
const heapMiB = 64

test('a run of 15,000 tenants is reported in a heap of 64 MiB', async () => {
  await using world = await createWorld()
  await using files = await temporaryFiles()
  await plantRun(world, 'large', tenants)
  await world.control.pool.query(`insert into rehome_control.events
    (move_id, at, attempt, kind, phase, message)
    select id, created_at + n * interval '1 s' * random(), 1,
      case n when 9 then 'settled' else 'phase' end, 'copy',
      case n when 9 then 'moved' else 'copy begins' end
    from rehome_control.moves, generate_series(1, 9) n order by id, n`)
  const path = `${await files.write('')}.html`
  const { privatePem, publicPem } = newKey()
  const environment = {
    ...world.environment,
    REHOME_SIGNING_KEY: privatePem,
    NODE_OPTIONS: `--max-old-space-size=${heapMiB}`,
  }
  const ran = await rehomeProcess(['report', 'large', '--out', path], environment)
  expect(ran).toEqual({ code: 0, out: '', error: '' })
  expect(await verifyReport(path, { publicKey: publicPem })).toMatchObject({ isKnownKey: true })
  expect((await stat(path)).size).toBeGreaterThan(tenants * 1_000)
}, 120_000)
