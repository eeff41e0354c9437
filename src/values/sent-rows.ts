/** Rows that a COPY has sent lately, so that the row which the server rejects can be named. */
import type { CatalogTable } from '../plan/catalogs/catalog.ts'
import { binaryForm } from './binary/forms.ts'
import { copyText, readField, splitFields } from './copy-text.ts'
import type { CopyFormat } from './split-rows.ts'

/** Whole rows for COPY, with the columns that they have. */
export interface CopyRows {
  readonly bytes: Buffer
  readonly rows: number
  readonly columns: readonly string[]
  readonly format: CopyFormat
}

/** The server answers for rows that have come; more than this is seldom under way. */
const bytesMax = 8 << 20

interface Held extends CopyRows {
  /** Rows that were sent before. */
  readonly before: number
}

export class SentRows {
  private held: Held[] = []
  private bytes = 0
  private sent = 0

  add(rows: CopyRows): void {
    this.held.push({ ...rows, before: this.sent })
    this.sent += rows.rows
    this.bytes += rows.bytes.length
    while (this.bytes > bytesMax) this.bytes -= this.held.shift()?.bytes.length ?? 0
  }

  /** The row with this number, from 1: column → text. null: it was already released. */
  row(number: number, table: CatalogTable): ReadonlyMap<string, string | null> | null {
    const block = this.held.findLast(({ before }) => before < number)
    if (!block || number > block.before + block.rows) return null
    const index = number - block.before - 1
    const texts =
      block.format === 'text' ? textsOf(block, index) : binaryTextsOf(block, { index, table })
    return new Map(block.columns.map((name, i) => [name, texts[i] ?? null]))
  }
}

function textsOf({ bytes }: CopyRows, index: number): (string | null)[] {
  let start = 0
  for (let i = 0; i < index; i += 1) start = bytes.indexOf(10, start) + 1
  const line = copyText(bytes.subarray(start, bytes.indexOf(10, start)))
  return splitFields(line).map(readField)
}

/** A field whose type has no form that we know is shown as `?`. */
function binaryTextsOf(
  { bytes, columns }: CopyRows,
  { index, table }: { index: number; table: CatalogTable },
): (string | null)[] {
  let at = 0
  const next = (read: (start: number, end: number, column: number) => void) => {
    at += 2
    for (let i = 0; i < columns.length; i += 1) {
      const start = at + 4
      const length = bytes.readInt32BE(at)
      at = start + Math.max(length, 0)
      if (length >= 0) read(start, at, i)
    }
  }
  for (let i = 0; i < index; i += 1) next(() => {})
  const texts: (string | null)[] = columns.map(() => null)
  next((start, end, i) => {
    const column = table.columns.find(({ name }) => name === columns[i])
    texts[i] = binaryForm(column?.typeName ?? '')?.text(bytes, start, end) ?? '?'
  })
  return texts
}
