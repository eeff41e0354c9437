/**
 * The paths of a table at both ends. Where tenants share tables at one end alone, rows leave with
 * their parents there without a trace of their own; so the path at the other end, a
 * tenant's own schema, has the references by which rows leave with their parents. Pure.
 */
import type { Plan } from '../plan.ts'
import { isOwn, stepsOf, type TenantPath } from './path.ts'
import { type PathInput, tenantPath } from './tenant-path.ts'
import { tableNameAt } from './ways.ts'

interface Paths {
  readonly sourcePath: TenantPath | null
  readonly targetPath: TenantPath | null
}

export function pathsOf(
  { strategy, rollback }: Pick<Plan, 'strategy' | 'rollback'>,
  ends: { readonly source: PathInput; readonly target: PathInput },
): Paths {
  const sourcePath = tenantPath(ends.source)
  const targetPath = tenantPath(ends.target)
  if (!sourcePath || !targetPath) return { sourcePath, targetPath }
  const comesBack = rollback.windowMs > 0
  return {
    sourcePath: comesBack ? withBelow(sourcePath, targetPath, ends.source) : sourcePath,
    targetPath: strategy === 'online' ? withBelow(targetPath, sourcePath, ends.target) : targetPath,
  }
}

/** `from`: the path at the end whose changes are followed. */
function withBelow(path: TenantPath, from: TenantPath, input: PathInput): TenantPath | null {
  if (path.kind !== 'whole' || isOwn(from)) return path
  const below = tenantPath({ ...input, named: true })
  if (!below) return null
  const lacking = stepsOf(from).find((step) => !leadsTo(below, step.parent, input))
  if (!isOwn(below) && !lacking) return { ...path, below }
  const { table, end, findings } = input
  const through = end === 'source' ? '`through`' : '`targetThrough`'
  const message = `goes with rows of "${lacking?.parent}" at the other end: say by which columns it refers to them at the ${end}, with ${through}`
  findings.push({ where: `table "${table.name}"`, message })
  return null
}

/** Whether a path leads to the table that is called so at the other end. */
function leadsTo(path: TenantPath, parent: string, { tables, end }: PathInput): boolean {
  const other = end === 'source' ? 'target' : 'source'
  const names = tables
    .filter((table) => tableNameAt(table, other) === parent)
    .map((table) => tableNameAt(table, end))
  return stepsOf(path).some((step) => names.includes(step.parent))
}
