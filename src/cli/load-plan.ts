/** Reads a plan file, TypeScript or JavaScript, without a build step. */
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { tsImport } from 'tsx/esm/api'
import { messageOf, RehomeError } from '../errors.ts'
import type { PlanInput } from '../plan/plan.ts'

/** Throws PLAN_UNREADABLE for a missing file, a syntax error, or no default export. */
export async function loadPlan(file: string): Promise<PlanInput> {
  const path = resolve(file)
  await access(path).catch((error: unknown) => {
    throw new RehomeError('PLAN_UNREADABLE', `plan file "${file}" cannot be read`, { cause: error })
  })
  const loaded: unknown = await tsImport(pathToFileURL(path).href, import.meta.url).catch(
    (error: unknown) => {
      const message = `plan file "${file}": ${messageOf(error)}`
      throw new RehomeError('PLAN_UNREADABLE', message, { cause: error })
    },
  )
  const plan = defaultExport(loaded)
  if (plan === undefined) {
    throw new RehomeError('PLAN_UNREADABLE', `plan file "${file}" has no default export`)
  }
  // Its content is checked where it is used, see plan/check-plan.ts.
  return plan as PlanInput
}

/** A CommonJS loader in between may have wrapped it once more. */
function defaultExport(module: unknown): unknown {
  if (typeof module !== 'object' || module === null || !('default' in module)) return undefined
  const inner = module.default
  const wrapped = typeof inner === 'object' && inner !== null && 'default' in inner
  return wrapped ? inner.default : inner
}

export async function loadPlans(files: readonly string[]): Promise<PlanInput[]> {
  return await Promise.all(files.map(loadPlan))
}
