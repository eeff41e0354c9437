/**
 * Loads plan files, TypeScript or JavaScript, ES modules or CommonJS, without a build step and
 * whatever `"type"` the project around them has.
 *
 * Plans name this package by `rehome`. They get the very module that runs, whether it is installed
 * globally or beside the plan, so a plan and its command never come from two versions.
 */
import { access, readFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { createJiti } from 'jiti'
import { messageOf, RehomeError } from '../errors.ts'
import type { PlanInput } from '../plan/plan.ts'

let packageModule: object | undefined

/** Sets what `import … from 'rehome'` gives in plans that are loaded from now on. */
export function setPackageModule(module: object): void {
  packageModule = module
}

/** Throws PLAN_UNREADABLE for a missing file, a syntax error, or no default export. */
export async function loadPlan(file: string): Promise<PlanInput> {
  const path = resolve(file)
  await access(path).catch((error: unknown) => {
    throw new RehomeError('PLAN_UNREADABLE', `plan file "${file}" cannot be read`, { cause: error })
  })
  const loaded = await loadModule(path).catch(async (error: unknown) => {
    const message = `plan file "${file}": ${await reasonOf(error)}`
    throw new RehomeError('PLAN_UNREADABLE', message, { cause: error })
  })
  const plan = defaultExport(loaded)
  if (plan === undefined) {
    throw new RehomeError('PLAN_UNREADABLE', `plan file "${file}" has no default export`)
  }
  // The command checks its content, see plan/check-plan.ts.
  return besideFile(plan as PlanInput, dirname(path))
}

/** Paths of schema changes begin in the folder of the plan file. */
function besideFile(plan: PlanInput, folder: string): PlanInput {
  const schema: unknown = Object(plan).schema
  if (typeof schema !== 'object' || schema === null) return plan
  const own = Object(schema).folder
  return { ...plan, schema: { ...schema, folder: resolve(folder, String(own ?? '.')) } }
}

export async function loadPlans(files: readonly string[]): Promise<PlanInput[]> {
  return await Promise.all(files.map(loadPlan))
}

async function loadModule(path: string): Promise<unknown> {
  const jiti = createJiti(path, {
    // A plan is small: nothing is written beside it for the sake of the next start.
    fsCache: false,
    interopDefault: false,
    tsconfigPaths: true,
    ...(packageModule && { virtualModules: { rehome: packageModule } }),
  })
  return await jiti.import(path)
}

/** `module.exports = plan` of CommonJS is one, too. */
function defaultExport(module: unknown): unknown {
  if (typeof module !== 'object' || module === null) return undefined
  if ('default' in module) return unwrapped(module.default)
  const isEsModule = '__esModule' in module || Symbol.toStringTag in module
  return isEsModule || Object.keys(module).length === 0 ? undefined : module
}

/** Compilers and loaders of CommonJS may have wrapped it once more. */
function unwrapped(value: unknown): unknown {
  const isWrapped = typeof value === 'object' && value !== null && 'default' in value
  return isWrapped ? value.default : value
}

interface Place {
  readonly path: string
  readonly line: number
}

/** The error's message, and its line of which file. */
async function reasonOf(error: unknown): Promise<string> {
  const place = placeOf(error)
  const message = messageOf(error)
  if (!place) return message
  // The loader adds the place with a path from the root at the end.
  const what = message
    .replace(/^ParseError: /, '')
    .split(` ${place.path}:`)[0]
    ?.replace(/\.$/, '')
  const text = await readFile(place.path, 'utf8').catch(() => '')
  const line = text.split('\n')[place.line - 1]?.trim().slice(0, 120)
  const where = `${shortPath(place.path)}, line ${place.line}`
  return line ? `${what} in ${where}: \`${line}\`` : `${what} in ${where}`
}

/** The place of a syntax error, else that of the innermost call outside of packages. */
function placeOf(error: unknown): Place | null {
  if (!(error instanceof Error)) return null
  const stack = error.stack ?? ''
  const syntax = /^\s*(?:file:\/\/)?((?:[A-Za-z]:)?[\\/].*?):(\d+)(?::\d+)?$/m.exec(stack)
  if (syntax) return { path: syntax[1] ?? '', line: Number(syntax[2]) }
  const calls = stack.matchAll(
    /^\s+at (?:.*\()?(?:file:\/\/)?((?:[A-Za-z]:)?[\\/].*?):(\d+):\d+\)?$/gm,
  )
  const own = [...calls].find(([, path]) => !path?.includes('/node_modules/'))
  return own ? { path: own[1] ?? '', line: Number(own[2]) } : null
}

function shortPath(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}
