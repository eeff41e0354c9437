/** Walks statements in their order, asks every rule about each, and keeps what the schema is. */
import type * as Parser from 'libpg-query'
import { allowancesIn } from '../allowed.ts'
import { batchesIn } from '../batches.ts'
import { findingFrom, placeAt, withoutRepeats } from '../report.ts'
import type { Finding } from '../rule.ts'
import { postgresRules } from '../rules/all.ts'
import type { SourceFile, SqlPart } from '../source-file.ts'
import { blockOf } from './blocks.ts'
import { locksOf } from './locks.ts'
import { loadParser, type Parsed, parseUnbound, type Statement } from './parse.ts'
import { Scene, type SceneOptions } from './scene.ts'
import { sitesOf } from './site.ts'

export async function lintPostgres(
  files: readonly SourceFile[],
  options: SceneOptions,
): Promise<Finding[]> {
  const parser = await loadParser()
  const scene = new Scene(options)
  return files.flatMap((file) => {
    const findings = findingsIn(file, { parser, scene })
    return file.isReported ? findings : []
  })
}

interface Tools {
  readonly parser: typeof Parser
  readonly scene: Scene
}

function findingsIn(file: SourceFile, { parser, scene }: Tools): Finding[] {
  const parsed = file.parts.map((part) => ({ ...parseUnbound(parser, part.sql), part }))
  const count = parsed.reduce((sum, { statements }) => sum + statements.length, 0)
  scene.beginFile(file, count)
  return [
    ...file.builderLines.map((line) => findingFrom('builder-call', file, { at: placeAt(line) })),
    ...parsed.flatMap((part) => findingsOfPart(file, part, { parser, scene })),
  ]
}

type ParsedPart = Parsed & { readonly part: SqlPart }

function findingsOfPart(file: SourceFile, parsed: ParsedPart, tools: Tools): Finding[] {
  const { fault, statements, comments, part } = parsed
  if (fault && part.isBuilt) return [findingFrom('dynamic-sql', file, { at: placeAt(fault.line) })]
  if (fault) {
    const at = { ...fault, text: '' }
    return [findingFrom('syntax', file, { at, names: { message: fault.message } })]
  }
  const allowed = allowancesIn(comments, statements, postgresRules)
  const faults = allowed.faults.map(({ line, message }) =>
    findingFrom('allow-comment', file, { at: placeAt(line), names: { message } }),
  )
  const batches = batchesIn(comments, statements)
  const misplaced = batches.flatMap(({ fault: message, line }) => {
    const about = { at: placeAt(line), names: { message: message ?? '' } }
    return message === null ? [] : [findingFrom('batches-comment', file, about)]
  })
  // A tool that wraps the file in a transaction does not read the comment.
  const divided = new Set(
    batches.flatMap(({ fault: message, statement }) =>
      message === null && file.wrapping === 'none' ? [statement] : [],
    ),
  )
  const findings = statements.flatMap((statement, i) =>
    findingsOf(file, statement, tools).filter(({ code }) => {
      if (code === 'rows-changed-at-once' && divided.has(i)) return false
      return !allowed.allows(i, code)
    }),
  )
  return [...faults, ...misplaced, ...findings]
}

function findingsOf(file: SourceFile, statement: Statement, tools: Tools): Finding[] {
  const { scene, parser } = tools
  const block = blockOf(parser, statement)
  if (block) {
    const dynamic = block.dynamicLines.map((line) =>
      findingFrom('dynamic-sql', file, { at: placeAt(line) }),
    )
    const inner = scene.within(() =>
      block.statements.flatMap((one) => findingsOf(file, one, tools)),
    )
    return [...dynamic, ...inner]
  }
  const sites = sitesOf(statement, scene)
  const locks = locksOf(sites)
  const findings = sites.flatMap((site) =>
    Object.entries(postgresRules).flatMap(([code, find]) => {
      const names = find(site)
      if (names === null) return []
      const about = { at: statement, names: { table: site.table, ...names }, locks }
      return [findingFrom(code, file, about)]
    }),
  )
  scene.noteLocks(locks)
  scene.apply(statement)
  if (findings.some(({ code }) => code === 'lock-timeout')) scene.timeoutReported = true
  return withoutRepeats(findings)
}
