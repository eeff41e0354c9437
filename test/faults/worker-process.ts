// A worker process of its own for the small world, whose environment differs as a test says.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { programFile } from '../helpers/processes/programs.ts'
import { ended, expectHome, rowsAt } from '../helpers/runs.ts'
import type { World } from '../helpers/world.ts'

export const timeout = 180_000
export const slowly = {
  chunkRows: 20,
  attempts: 9,
  fence: { leaseMs: 2_000, drainMs: 2_000 },
}

/** A worker process in its environment, which differs as told. */
export async function workerProcess(
  world: World,
  differs: Record<string, string>,
  preload?: string,
) {
  const args = preload
    ? ['--import', 'tsx', '--import', fileURLToPath(new URL(preload, import.meta.url))]
    : []
  const script = programFile('test/helpers/processes/worker-process.ts')
  const child = spawn(process.execPath, [...args, script], {
    env: {
      ...process.env,
      ...world.environment,
      PLAN_CHANGES: JSON.stringify(slowly),
      ...differs,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

export async function expectMoved(
  world: World,
  runId: string | null,
  tenant: string,
): Promise<void> {
  expect((await ended(world, runId)).get(tenant)?.phase).toBe('moved')
  expect(await rowsAt(world, 'target', tenant)).toEqual(await rowsAt(world, 'source', tenant))
  await expectHome(world, tenant, 'target')
}
