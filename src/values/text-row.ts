/** A row whose columns are PostgreSQL's texts, from a cursor or from a line of COPY. */
import type { ColumnRoute } from '../plan/routing/columns.ts'
import type { Codec } from './codec.ts'
import { expectFields, type RowSource } from './lazy-row.ts'
import { codecFor } from './values.ts'

export class TextRow implements RowSource {
  private readonly codecs: readonly Codec[]
  private readonly read: (field: string | null) => string | null
  private fields: readonly (string | null)[] = []

  /** `read` makes a field's text of what stands for it. */
  constructor(
    columns: readonly ColumnRoute[],
    read: (field: string | null) => string | null = (field) => field,
  ) {
    this.codecs = columns.map(({ typeName }) => codecFor({ name: typeName }))
    this.read = read
  }

  /** Throws DATABASE_ERROR where there are more or fewer fields than columns. */
  stand(fields: readonly (string | null)[]): void {
    expectFields(fields.length, this.codecs.length)
    this.fields = fields
  }

  text(index: number): string | null {
    return this.read(this.fields[index] ?? null)
  }

  value(index: number): unknown {
    const text = this.text(index)
    return text === null ? null : this.codecs[index]?.decode(text)
  }
}
