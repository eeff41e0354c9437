/** Walks statements of MySQL in their order, and asks every rule about each. */
import { allowancesIn } from '../allowed.ts'
import { findingFrom, placeAt, withoutRepeats } from '../report.ts'
import type { Finding } from '../rule.ts'
import type { SourceFile } from '../source-file.ts'
import type { Execution } from './algorithms.ts'
import { alterRules } from './alter-rules.ts'
import { MysqlScene } from './scene.ts'
import { type MysqlRules, type MysqlSite, mysqlSitesOf, worstOf } from './site.ts'
import { statementRules } from './statement-rules.ts'
import { type MysqlParsed, type MysqlStatement, parseMysql } from './tokens.ts'

export const mysqlRules: MysqlRules = { ...alterRules, ...statementRules }

export function lintMysql(files: readonly SourceFile[], version: number): Finding[] {
  const scene = new MysqlScene(version)
  return files.flatMap((file) => {
    scene.beginFile()
    const builders = file.builderLines.map((line) =>
      findingFrom('builder-call', file, { at: placeAt(line) }),
    )
    const findings = file.parts.flatMap((part) => findingsIn(file, parseMysql(part.sql), scene))
    return file.isReported ? [...builders, ...findings] : []
  })
}

function findingsIn(
  file: SourceFile,
  { statements, comments }: MysqlParsed,
  scene: MysqlScene,
): Finding[] {
  const allowed = allowancesIn(comments, statements, mysqlRules)
  const faults = allowed.faults.map(({ line, message }) =>
    findingFrom('allow-comment', file, { at: placeAt(line), names: { message } }),
  )
  const findings = statements.flatMap((statement, i) =>
    findingsOf(file, statement, scene).filter(({ code }) => !allowed.allows(i, code)),
  )
  return [...faults, ...findings]
}

function findingsOf(file: SourceFile, statement: MysqlStatement, scene: MysqlScene): Finding[] {
  const sites = mysqlSitesOf(statement, scene)
  const worst = worstOf(sites)
  const findings = sites.flatMap((site) =>
    Object.entries(mysqlRules).flatMap(([code, find]) => {
      const names = find(site)
      if (names === null) return []
      const table = site.alteration?.table ?? ''
      const locks = worst && table ? [{ table, mode: modeOf(site, worst) }] : []
      return [findingFrom(code, file, { at: statement, names: { table, ...names }, locks })]
    }),
  )
  if (findings.some(({ code }) => code === 'mysql-lock-wait-timeout')) scene.timeoutReported = true
  scene.apply(statement)
  return withoutRepeats(findings)
}

/** A statement may ask for more than it needs. */
function modeOf({ alteration }: MysqlSite, { lock }: Execution): string {
  const { algorithm, lock: stated } = alteration ?? { algorithm: '', lock: '' }
  if (stated === 'EXCLUSIVE' || stated === 'SHARED') return `LOCK=${stated}`
  return algorithm === 'COPY' ? 'LOCK=SHARED' : `LOCK=${lock}`
}
