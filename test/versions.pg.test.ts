// Ends of different major versions: the embedded server, and whatever else this machine has
// installed.
import { describe, expect, test } from 'vitest'
import { startPostgres, systemPostgres } from '../dev/postgres.ts'
import { partOf } from './helpers/rotation.ts'
import { expectHome, moveOf, rowsAt, runAll } from './helpers/runs.ts'
import { createWorld } from './helpers/world.ts'

const installed = (await systemPostgres()).filter(({ major }) => major >= 13)
const title = installed.length > 0 ? '' : ' (skipped: no other PostgreSQL is installed)'

describe.skipIf(installed.length === 0)(`two major versions${title}`, () => {
  for (const { major, bin } of installed) {
    test.each(partOf(['source', 'target'] as const, 2))(
      `PostgreSQL ${major} as the %s`,
      async (end) => {
        await using server = await startPostgres({ name: `v${major}`, binaries: { bin } })
        await using world = await createWorld(
          end === 'source' ? { sourceOn: server } : { targetOn: server },
        )
        await world.addTenant('acme', 50)
        await using _worker = await world.work()
        const runId = await runAll(world)
        expect((await moveOf(world, runId, 'acme')).error_message).toBeNull()
        expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
        await expectHome(world, 'acme', 'target')
      },
    )
  }
})
