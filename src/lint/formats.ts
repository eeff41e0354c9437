/** Findings as text for people, as JSON, and as annotations of GitHub. Pure. */
import { shownPath } from './files.ts'
import { readableLock } from './lock-words.ts'
import type { Finding } from './rule.ts'

export const formats = ['text', 'json', 'sarif', 'github'] as const
export type Format = (typeof formats)[number]

export function countsText(findings: readonly Finding[]): string {
  const count = (level: string) => findings.filter((one) => one.level === level).length
  const words = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`
  return `${words(count('error'), 'error')}, ${words(count('warning'), 'warning')}`
}

export function findingText(finding: Finding): string {
  const { file, line, column, level, code, message, breaks, steps, safeFrom, page } = finding
  return [
    `${shownPath(file)}:${line}:${column} ${level} ${code}: ${message}`,
    ...indented(readableLock(finding), 2),
    ...wrapped(breaks, 2),
    ...(safeFrom === null ? [] : wrapped(`Safe: ${safeFrom}.`, 2)),
    ...steps.flatMap(({ does, sql }, i) => [
      ...wrapped(`${i + 1}. ${does}`, 2),
      ...indented(sql ?? '', 5),
    ]),
    `  ${page}`,
  ].join('\n')
}

function indented(text: string, blanks: number): string[] {
  if (text === '') return []
  return text.split('\n').map((line) => `${' '.repeat(blanks)}${line}`.trimEnd())
}

const widthMax = 96

function wrapped(text: string, blanks: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line === undefined || line.length + word.length >= widthMax - blanks) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return indented(lines.join('\n'), blanks)
}

/** Workflow commands of GitHub Actions. */
export function annotation({ level, file, line, column, code, message, breaks }: Finding): string {
  const place = `file=${property(shownPath(file))},line=${line},col=${column}`
  const title = `title=${property(`rehome: ${code}`)}`
  return `::${level} ${place},${title}::${escaped(`${message}\n${breaks}`)}`
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
