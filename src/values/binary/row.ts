/** A row of COPY's binary format, whose columns are found but not read. */

import { itemAt } from '../../known.ts'
import type { ColumnRoute } from '../../plan/routing/columns.ts'
import type { Codec } from '../codec.ts'
import { expectFields, type RowSource } from '../lazy-row.ts'
import type { RowBlock } from '../split-rows.ts'
import { codecFor } from '../values.ts'
import type { BinaryForm } from './form.ts'

const nothing = Buffer.alloc(0)

export class BinaryRow implements RowSource {
  /** The buffer that the row is part of. */
  bytes: Buffer = nothing
  /** Where each field begins: with its length, in four bytes. The last one is the row's end. */
  readonly starts: Int32Array
  private readonly codecs: readonly Codec[]
  private readonly forms: readonly BinaryForm[]
  /** Those that were asked for. */
  private readonly texts: (string | null | undefined)[]

  /** A form for each column. */
  constructor(columns: readonly ColumnRoute[], forms: readonly BinaryForm[]) {
    this.codecs = columns.map(({ typeName }) => codecFor({ name: typeName }))
    this.forms = forms
    this.starts = new Int32Array(columns.length + 1)
    this.texts = columns.map(() => undefined)
  }

  /** Throws DATABASE_ERROR where the block's row has more or fewer fields than columns. */
  stand({ bytes, ends }: RowBlock, row: number): void {
    const { starts, texts } = this
    const columns = texts.length
    let at = row === 0 ? 0 : (ends[row - 1] ?? 0)
    expectFields(bytes.readInt16BE(at), columns)
    this.bytes = bytes
    at += 2
    for (let i = 0; i < columns; i += 1) {
      texts[i] = undefined
      starts[i] = at
      const length = bytes.readInt32BE(at)
      at += length > 0 ? 4 + length : 4
    }
    starts[columns] = at
  }

  text(index: number): string | null {
    const cached = this.texts[index]
    if (cached !== undefined) return cached
    const text = this.isNull(index) ? null : this.read(index)
    this.texts[index] = text
    return text
  }

  value(index: number): unknown {
    if (this.isNull(index)) return null
    const form = itemAt(this.forms, index)
    if (form.value) return form.value(this.bytes, this.startOf(index), this.starts[index + 1] ?? 0)
    return this.codecs[index]?.decode(this.text(index) ?? '')
  }

  private read(index: number): string {
    const form = itemAt(this.forms, index)
    return form.text(this.bytes, this.startOf(index), this.starts[index + 1] ?? 0)
  }

  private startOf(index: number): number {
    return (this.starts[index] ?? 0) + 4
  }

  private isNull(index: number): boolean {
    return this.bytes.readInt32BE(this.starts[index] ?? 0) === -1
  }
}
