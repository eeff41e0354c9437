/** Rows as lines of JSON (NDJSON): one array of texts and nulls a line. */
import { RehomeError } from '../../errors.ts'
import type { Texts } from '../tenant-rows.ts'
import { readAnswer } from './asking.ts'
import { readOperation } from './protocol/row-operations.ts'

export function joinLines(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}

/** Without the empty one after the last. */
export function splitLines(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

export interface ReadPage {
  readonly rows: Texts[]
  readonly next: string | null
}

/** Throws PROTOCOL_BROKEN where the page was cut off, or a row is none. */
export function rowsOfPage(
  text: string,
  { columns, where }: { readonly columns: number; readonly where: string },
): ReadPage {
  const lines = splitLines(text)
  const last = lines.pop()
  if (last === undefined || !last.startsWith('{')) throw cutOff(where)
  const { next } = readAnswer(readOperation.last, last, where)
  return { rows: lines.map((line) => readRow(line, { columns, where })), next }
}

export function readRow(
  line: string,
  { columns, where }: { readonly columns: number; readonly where: string },
): Texts {
  const row = parsed(line)
  if (Array.isArray(row) && row.length === columns && row.every(isText)) return row
  const message = `${where} sent a line that is no row of ${columns} texts or nulls`
  throw new RehomeError('PROTOCOL_BROKEN', message)
}

function isText(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function cutOff(where: string): RehomeError {
  const message = `${where} sent a page without its last line: it was cut off`
  return new RehomeError('PROTOCOL_BROKEN', message, { retryable: true })
}
