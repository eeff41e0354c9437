/** A row of COPY's binary format, whose columns are found but not read. */
import type { ColumnRoute } from '../../../plan/columns.ts'
import type { Codec } from '../codec.ts'
import { expectFields, type RowSource } from '../lazy-row.ts'
import { codecFor } from '../values.ts'
import type { BinaryForm } from './form.ts'

const nothing = Buffer.alloc(0)

export class BinaryRow implements RowSource {
  /** What the row is part of. */
  bytes: Buffer = nothing
  /** Where each field begins: with its length, in four bytes. The last one is the row's end. */
  readonly starts: Int32Array
  private readonly codecs: readonly Codec[]
  private readonly forms: readonly BinaryForm[]

  /** A form for each column. */
  constructor(columns: readonly ColumnRoute[], forms: readonly BinaryForm[]) {
    this.codecs = columns.map(({ typeName }) => codecFor({ name: typeName }))
    this.forms = forms
    this.starts = new Int32Array(columns.length + 1)
  }

  /** The row is whole. Throws DATABASE_ERROR where it has more or fewer fields than columns. */
  stand(bytes: Buffer, start: number): void {
    expectFields(bytes.readInt16BE(start), this.codecs.length)
    this.bytes = bytes
    let at = start + 2
    for (let i = 0; i < this.codecs.length; i += 1) {
      this.starts[i] = at
      const length = bytes.readInt32BE(at)
      at += length > 0 ? 4 + length : 4
    }
    this.starts[this.codecs.length] = at
  }

  text(index: number): string | null {
    const at = this.starts[index] ?? 0
    if (this.bytes.readInt32BE(at) === -1) return null
    return this.forms[index]?.text(this.bytes, at + 4, this.starts[index + 1] ?? 0) ?? null
  }

  value(index: number): unknown {
    const at = this.starts[index] ?? 0
    if (this.bytes.readInt32BE(at) === -1) return null
    const form = this.forms[index]
    if (form?.value) return form.value(this.bytes, at + 4, this.starts[index + 1] ?? 0)
    return this.codecs[index]?.decode(this.text(index) ?? '')
  }
}
