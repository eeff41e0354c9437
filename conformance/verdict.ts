/** The result of a run: lines for people, and an exit code for programs. Pure. */
import { scratchTable } from './copied-rows.ts'
import type { Finding } from './run.ts'

/** 0: every point was tried that the end has, and held. 1: one failed. 3: some were not tried. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 3 {
  if (findings.some(({ outcome }) => outcome === 'FAILED')) return 1
  return untriedOf(findings).length > 0 ? 3 : 0
}

function untriedOf(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ untried }) => untried)
}

export function lineOf({ point, says, outcome, why, request }: Finding): string {
  const head = `${outcome.padEnd(7)} ${point}`
  const line = why === undefined ? `${head}: ${says}` : `${head}: ${says}: ${why}`
  return request === undefined ? line : `${line}\n        last request: ${request}`
}

function untriedText(untried: readonly Finding[]): string {
  if (untried.length === 0) return ''
  const whys = [...new Set(untried.flatMap(({ why }) => why ?? []))]
  return `

NOT TRIED: ${untried.length} points, so this end is not known to keep the protocol:
  ${untried.map(({ point }) => point).join(', ')}
because
  ${whys.filter((why) => !why.startsWith('it needs ')).join('\n  ')}
Name --tenant and --scratch, and let the end offer such a table with two rows of --tenant, e.g.
  ${scratchTable.replaceAll('\n', '\n  ')}`
}

export function summaryOf(findings: readonly Finding[]): string {
  const number = (outcome: Finding['outcome']) =>
    findings.filter((finding) => finding.outcome === outcome).length
  const counts = `${number('ok')} ok, ${number('FAILED')} failed, ${number('skipped')} skipped`
  return `${counts}${untriedText(untriedOf(findings))}`
}
