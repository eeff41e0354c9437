/**
 * A digest of rows that were read, by the same rule as the end that they were read of makes one of
 * the rows that it has, in one statement of its own (digest.ts, `md5`). So a page that was lost, or
 * a row that came twice, is found even where all who read have lost it in the same way.
 */
import { createHash } from 'node:crypto'
import type { Route } from '../plan/routing/route.ts'
import { columnSql } from '../plan/routing/shared-ids.ts'
import type { Buckets, Digest } from './digest.ts'
import { noRows } from './digest.ts'
import type { Compared, ComparedColumn } from './rows.ts'
import type { TenantRows, Texts } from './tenant-rows.ts'

/** The value of `digestProbes.md5` at an end whose texts and hashes are equal to ours. */
export const md5Probe = String(md5Of('rehome ä 1'))

function md5Of(text: string): bigint {
  return createHash('md5').update(text).digest().readBigInt64BE(0)
}

/** A record of texts, as `row(…)::text` writes it. */
export function recordText(texts: Texts): string {
  return `(${texts.map(fieldText).join(',')})`
}

function fieldText(text: string | null): string {
  if (text === null) return ''
  const quoted = text === '' || /["\\(), \t\n\v\f\r]/.test(text)
  return quoted ? `"${text.replace(/["\\]/g, '$&$&')}"` : text
}

/** Types whose value, cast to text, is what the server sends of it. */
const sentAsText = new Set(
  (
    'int2 int4 int8 float4 float8 numeric text varchar name bytea uuid date time timetz ' +
    'timestamp timestamptz interval json jsonb cidr macaddr macaddr8 bit varbit'
  ).split(' '),
)

/** The cast of a value to text, made of what the server sends of it. null: not known here. */
function castToText(typeName: string): ((text: string) => string) | null {
  if (sentAsText.has(typeName.replace(/^_/, ''))) return (text) => text
  if (typeName === 'bool') return (text) => (text === 't' ? 'true' : 'false')
  if (typeName === 'bpchar') return (text) => text.replace(/ +$/, '')
  return null
}

interface ReadColumn {
  readonly index: number
  readonly cast: (text: string) => string
  readonly compared: ComparedColumn
}

/** How rows of a route are read, and digested. */
export interface ReadRows {
  readonly columns: readonly ReadColumn[]
  /** Columns that tell rows apart: the source's key, or all that is read where it is not. */
  readonly key: readonly ReadColumn[]
  readonly isKeyed: boolean
}

/** null: nothing that is read can be digested here. */
export function readRowsOf(route: Route): ReadRows | null {
  const columns = route.columns.flatMap((column, index): ReadColumn[] => {
    const { from, castTo } = column
    const own = route.source.columns.find(({ name }) => name === from)
    const cast = castToText(castTo ?? own?.typeName ?? column.typeName)
    const typeSql = 'pg_catalog.text'
    return cast
      ? [{ index, cast, compared: { sql: columnSql(column), from, typeSql, cast: castTo } }]
      : []
  })
  if (columns.length === 0) return null
  const key = route.sourceKey.flatMap((name) => {
    return columns.find(({ compared }) => compared.from === name) ?? []
  })
  const isKeyed = key.length > 0 && key.length === route.sourceKey.length
  return { columns, key: isKeyed ? key : columns, isKeyed }
}

/** Compares as the end itself does, in the form of its request. */
export function readCompared({ columns, key }: ReadRows, of: TenantRows): Compared {
  const as = ({ compared }: ReadColumn) => compared
  return { of, key: key.map(as), columns: columns.map(as), hash: 'md5' }
}

function textOf(some: readonly ReadColumn[], row: Texts): string {
  return recordText(
    some.map(({ index, cast }) => {
      const text = row[index] ?? null
      return text === null ? null : cast(text)
    }),
  )
}

const bucketMask = 1023n

export class ReadDigest {
  private readonly digests = new Map<number, Digest>()
  private readonly rows: ReadRows

  constructor(rows: ReadRows) {
    this.rows = rows
  }

  add(page: readonly Texts[]): void {
    for (const row of page) {
      const bucket = Number(md5Of(textOf(this.rows.key, row)) & bucketMask)
      const { rows, sum } = this.digests.get(bucket) ?? noRows
      const hash = md5Of(textOf(this.rows.columns, row))
      this.digests.set(bucket, { rows: rows + 1n, sum: sum + hash })
    }
  }

  buckets(): Buckets {
    return this.digests
  }
}

/** Key → hash, of rows in some buckets; a key that comes twice has no hash that a row has. */
export class ReadHashes {
  readonly hashes = new Map<string, string>()
  private readonly rows: ReadRows
  private readonly some: ReadonlySet<number>

  constructor(rows: ReadRows, some: readonly number[]) {
    this.rows = rows
    this.some = new Set(some)
  }

  add(page: readonly Texts[]): void {
    for (const row of page) {
      const key = textOf(this.rows.key, row)
      if (!this.some.has(Number(md5Of(key) & bucketMask))) continue
      const hash = String(md5Of(textOf(this.rows.columns, row)))
      this.hashes.set(key, this.hashes.has(key) ? 'twice' : hash)
    }
  }
}

/** A source key, by the texts of its columns, as differences name it. */
export function readKeyOf(route: Route, texts: Texts): string {
  return recordText(
    texts.map((text, i) => {
      const column = route.source.columns.find(({ name }) => name === route.sourceKey[i])
      const cast = castToText(column?.typeName ?? '')
      return text === null || !cast ? text : cast(text)
    }),
  )
}
