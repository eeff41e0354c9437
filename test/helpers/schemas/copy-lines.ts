/** Whole lines of COPY's text format, put together from what the product does to their fields. */
import { copyText, readField, splitFields, writeField } from '../../../src/values/copy-text.ts'

/** The fields of a line, with or without its newline. */
export function parseCopyLine(line: string | Buffer): (string | null)[] {
  const text = copyText(line)
  return splitFields(text.endsWith('\n') ? text.slice(0, -1) : text).map(readField)
}

/** The line with its newline. */
export function formatCopyLine(values: readonly (string | null)[]): string {
  return `${values.map(writeField).join('\t')}\n`
}
