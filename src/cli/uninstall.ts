import type { Command } from 'commander'
import { closeEnds, openEnds } from '../coordinator/installation.ts'
import { fenceIsInstalled, standingFlags, uninstallFence } from '../endpoints/sql/uninstall.ts'
import { RehomeError } from '../errors.ts'
import { checkPlan } from '../plan/check-plan.ts'
import { print } from './context.ts'
import { loadPlan } from './load-plan.ts'

export function addUninstall(program: Command): void {
  program
    .command('uninstall <plan>')
    .description('remove the fence from the ends of the plan; the control database stays')
    .option('--dry-run', 'only say what would be removed')
    .option('--force', 'although tenants are closed there: they become writable at both ends')
    .action(uninstall)
}

async function uninstall(
  file: string,
  flags: { dryRun?: boolean; force?: boolean },
): Promise<void> {
  const plan = checkPlan(await loadPlan(file))
  const ends = openEnds(plan, process.env)
  try {
    for (const end of [ends.source, ends.target]) {
      if (!(await fenceIsInstalled(end))) {
        print(`the ${end.name} (${end.place}) has no fence`)
        continue
      }
      const standing = await standingFlags(end)
      if (standing > 0 && !flags.force) throw stillNeeded(end.name, standing)
      print(`${flags.dryRun ? 'would remove' : 'removing'} the fence of ${end.name} ${end.place}`)
      if (!flags.dryRun) await uninstallFence(end)
    }
  } finally {
    await closeEnds(ends)
  }
}

function stillNeeded(end: string, flags: number): RehomeError {
  const message = `${flags} tenant(s) are closed at the ${end}: without the fence they would be writable at both ends; roll back or use --force`
  return new RehomeError('NOT_ALLOWED_NOW', message)
}
