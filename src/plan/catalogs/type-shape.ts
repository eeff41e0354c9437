/**
 * The parts of types, and whether a value of one means the same as one of another of that name.
 * Pure.
 *
 * Values pass as texts and are compared as texts. A text does not tell which attribute a field of a
 * composite belongs to, which labels an enum has, or which database's object a number names.
 */

export type TypeShape =
  /** `of`: `pg_catalog`, an extension, or null for a type that was made there. */
  | { readonly kind: 'scalar'; readonly name: string; readonly of: string | null }
  | { readonly kind: 'enum'; readonly name: string; readonly labels: readonly string[] }
  | { readonly kind: 'composite'; readonly name: string; readonly attributes: readonly Attribute[] }
  | { readonly kind: 'range' | 'multirange' | 'array'; readonly of: TypeShape }

export interface Attribute {
  readonly name: string
  readonly type: TypeShape
}

/**
 * Why values of one type would be something else in the other; null: they are the same there. Types
 * of the same name are expected.
 */
export function typeDifference(from: TypeShape, to: TypeShape): string | null {
  if (from.kind !== to.kind) return `it is ${words[from.kind]}, at the target ${words[to.kind]}`
  if (from.kind === 'enum' && to.kind === 'enum') return labelDifference(from.labels, to.labels)
  if (from.kind === 'composite' && to.kind === 'composite') return attributeDifference(from, to)
  if (from.kind === 'scalar' || to.kind === 'scalar') return scalarDifference(from, to)
  if ('of' in from && 'of' in to) return typeDifference(from.of, to.of)
  return null
}

const words: Readonly<Record<TypeShape['kind'], string>> = {
  scalar: 'a base type',
  enum: 'an enum',
  composite: 'a composite type',
  range: 'a range',
  multirange: 'a multirange',
  array: 'an array',
}

function scalarDifference(from: TypeShape, to: TypeShape): string | null {
  if (from.kind !== 'scalar' || to.kind !== 'scalar') return null
  const origin = ({ of, name }: typeof from) =>
    of === null ? `type "${name}"` : `"${name}" of ${of}`
  if (origin(from) === origin(to)) return null
  return `it holds ${origin(from)}, at the target ${origin(to)}`
}

function labelDifference(from: readonly string[], to: readonly string[]): string | null {
  const missing = from.filter((label) => !to.includes(label))
  if (missing.length > 0) {
    return `the target's enum lacks ${quoted(missing)}: \`alter type … add value\` there`
  }
  const common = to.filter((label) => from.includes(label))
  if (common.every((label, i) => label === from[i])) return null
  const [here, there] = [from.filter((label) => to.includes(label)), common].map(quoted)
  return `the labels' order (${here}) is another one at the target (${there}), and labels are compared by it`
}

type Composite = Extract<TypeShape, { kind: 'composite' }>

function attributeDifference(from: Composite, to: Composite): string | null {
  const [here, there] = [from, to].map(({ attributes }) => attributes.map(({ name }) => name))
  if (here?.join('\0') !== there?.join('\0')) {
    return `its attributes are (${quoted(here ?? [])}), at the target (${quoted(there ?? [])}), and values follow their order`
  }
  for (const [i, { name, type }] of from.attributes.entries()) {
    const other = to.attributes[i]?.type
    const difference = other && typeDifference(type, other)
    if (difference) return `attribute "${name}": ${difference}`
  }
  return null
}

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`)
  return `${shown.join(', ')}${names.length > shown.length ? ', …' : ''}`
}

/** Built-in types whose values mean something in their own database, or on their server, only. */
const bound: ReadonlyMap<string, string> = new Map([
  ['oid', 'may name a large object, which does not move, or a row of the catalogue'],
  ...['regclass', 'regproc', 'regprocedure', 'regoper', 'regoperator'].map(
    (name) => [name, 'names an object of its own database'] as const,
  ),
  ...['xid', 'xid8', 'cid', 'txid_snapshot', 'pg_snapshot'].map(
    (name) => [name, "counts its own server's transactions"] as const,
  ),
  ['tid', 'is the place of a row in its own table'],
  ['pg_lsn', "is a place in its own server's log"],
  ['aclitem', 'names roles of its own server'],
])

/** `xid8 counts its own server's transactions`; null: a value means the same everywhere. */
export function boundType(shape: TypeShape): string | null {
  switch (shape.kind) {
    case 'scalar': {
      const reason = shape.of === 'pg_catalog' ? bound.get(shape.name) : undefined
      return reason === undefined ? null : `${shape.name} ${reason}`
    }
    case 'enum':
      return null
    case 'composite':
      return shape.attributes.map(({ type }) => boundType(type)).find((one) => one !== null) ?? null
    default:
      return boundType(shape.of)
  }
}

/** It is this type of PostgreSQL, or consists of it. */
export function consistsOf(shape: TypeShape, name: string): boolean {
  switch (shape.kind) {
    case 'scalar':
      return shape.of === 'pg_catalog' && shape.name === name
    case 'enum':
      return false
    case 'composite':
      return shape.attributes.some(({ type }) => consistsOf(type, name))
    default:
      return consistsOf(shape.of, name)
  }
}
