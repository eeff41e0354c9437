/** Keys, how they get numbers by themselves, and the other columns. */
import type { Column } from '../cases/case.ts'
import {
  addColumns,
  columnOf,
  type Draft,
  type Drawing,
  inSchema,
  type Numbers,
  plain,
} from './draft.ts'
import { literal, name, weighted } from './draw.ts'
import { type KeyKind, type Kind, keyKinds, keyWeights } from './types.ts'
import { drawValueKind } from './value-kinds.ts'

export function addKey(drawing: Drawing, draft: Draft): void {
  const { random } = drawing
  const { tenant } = draft.table
  const [first] = draft.paths
  const shape = weighted(random, {
    plain: 10,
    tenant: tenant ? 3 : 0,
    day: 1,
    parent: first?.notNull && !tenant ? 2 : 0,
    temporal: tenant === 'tenant_id' ? 0.5 : 0,
  })
  const isLine = shape === 'parent' || shape === 'day' || shape === 'temporal'
  const kindName = isLine ? 'int' : weighted(random, keyWeights)
  const kind: Kind = keyKinds[kindName]
  const column = columnOf(drawing, { name: 'id', kind, notNull: true })
  const key = { ...column, ...(isLine ? {} : numbering(drawing, draft, kindName)) }
  draft.makes.set('id', kindOfNumbers(draft.numbers, kind))
  addColumns(draft, [key])
  let columns = ['id']
  if (shape === 'tenant') columns = ['tenant_id', 'id']
  if (shape === 'parent') columns = [...(first?.columns ?? []), 'id']
  if (shape === 'day') {
    addColumns(draft, [{ ...plain, name: 'day', type: 'date', notNull: true }])
    draft.makes.set('day', keyKinds.date)
    columns = ['day', 'id']
  }
  if (shape === 'temporal') {
    drawing.needed.add('extensions').add('btree_gist')
    addColumns(draft, [{ ...plain, name: 'valid', type: 'daterange', notNull: true }])
    draft.makes.set('valid', period)
    columns = ['id', 'valid']
  }
  const keyed = new Set(columns)
  const isNumber = kindName === 'int' || kindName === 'bigint'
  const ranges = isNumber && shape === 'plain' && !draft.numbers?.descending
  const by = ranges && random.chance(0.6) ? 'range' : 'hash'
  draft.table = {
    ...draft.table,
    key: columns,
    keyKind:
      shape === 'temporal'
        ? shape
        : draft.table.ways.length === 0 && random.chance(0.05)
          ? 'unique'
          : 'primary',
    columns: draft.table.columns.map((c) => (keyed.has(c.name) ? { ...c, notNull: true } : c)),
    partitioned:
      random.chance(0.15) && isHashed(drawing, draft, columns) && shape !== 'temporal'
        ? { by, parts: ['p0', 'p1'], deep: random.chance(0.3) }
        : null,
  }
}

const withoutHash = ['mood_pair', 'pair', 'isbn', 'varbit', 'tsvector', 'nested'] as const

/** Partitions by hash divide it by its first column, and a partition by its last one. */
function isHashed({ schema }: Drawing, { table }: Draft, key: readonly string[]): boolean {
  const unhashed = new Set(withoutHash.map((kind) => inSchema(schema, keyKinds[kind].type)))
  return table.columns.every(({ name: own, type }) => !key.includes(own) || !unhashed.has(type))
}

const period: Kind = {
  type: 'daterange',
  needs: [],
  of: (n) => `daterange(date '2000-01-01' + ${10 * n}, date '2000-01-05' + ${10 * n})`,
}

/** How the key gets numbers by itself. */
function numbering(drawing: Drawing, draft: Draft, kind: KeyKind): Partial<Column> {
  const { random, schema } = drawing
  const own = `${name(draft.table.outside ?? schema)}.${name(draft.table.name)}`
  if (kind === 'uuid' && random.chance(0.5)) return { rest: 'default gen_random_uuid()' }
  if (kind === 'text' && random.chance(0.5)) {
    drawing.needed.add('texts')
    return take(draft, 'texts', { schema, default: (next) => `'INV-' || ${next}` })
  }
  if (kind !== 'int' && kind !== 'bigint' && kind !== 'positive') return {}
  const how = weighted(random, { none: 2, identity: 4, always: 2, free: 2, down: 1 })
  if (how === 'none') return {}
  if (how === 'free' || (how === 'down' && kind !== 'positive')) {
    const sequence = how === 'free' ? 'numbers' : 'down'
    drawing.needed.add(sequence)
    return take(draft, sequence, { schema, default: (next) => next })
  }
  if (kind === 'positive') return {}
  const sequence = `pg_get_serial_sequence(${literal(own)}, 'id')`
  draft.numbers = { column: 'id', sequence, descending: false }
  const rest = `generated ${how === 'always' ? 'always' : 'by default'} as identity`
  return { rest, fills: 'number' }
}

function take(
  draft: Draft,
  sequence: string,
  { schema, default: of }: { schema: string; default: (next: string) => string },
): Partial<Column> {
  const regclass = literal(`${name(schema)}.${sequence}`)
  draft.numbers = { column: 'id', sequence: regclass, descending: sequence === 'down' }
  return { rest: `default ${of(`nextval(${regclass})`)}`, fills: 'number' }
}

function kindOfNumbers(numbers: Numbers | null, kind: Kind): Kind {
  if (numbers?.descending) return { ...kind, of: (n) => `-${n}` }
  return numbers?.sequence.includes('texts') ? { ...kind, of: (n) => `'INV-${n}'` } : kind
}

/** Names that queries around such a column use themselves. */
const oddNames = ['r', 'k', 'old_rows', 'select', `${'long '.repeat(12)}99`]

export function addValues(drawing: Drawing, draft: Draft): void {
  const { random } = drawing
  for (let i = random.between(0, 4); i > 0; i -= 1) {
    const kind = drawValueKind(random)
    const odd = random.chance(0.1) ? (oddNames[i] ?? '') : `v${i}`
    const column = columnOf(drawing, { name: odd, kind, notNull: false })
    draft.makes.set(column.name, kind)
    addColumns(draft, [column])
  }
  if (random.chance(0.12)) {
    const kept = random.chance(0.6) ? 'stored' : 'virtual'
    const rest = `generated always as (length(mark) * 2) ${kept}`
    const made: Column = {
      ...plain,
      name: 'made',
      type: 'int',
      notNull: false,
      rest,
      fills: 'generated',
      reads: ['mark'],
    }
    addColumns(draft, [made])
  }
  if (!draft.table.shared && random.chance(0.1)) addReformed(drawing, draft)
}

/** A column that is another one at the target. */
function addReformed({ random }: Drawing, draft: Draft): void {
  const by = random.pick(['columns', 'transform'] as const)
  const name = random.pick(['code', 'Its code'])
  const prefix = by === 'columns' ? random.pick(['', '> ']) : '> '
  const becomes = { name, prefix, by }
  addColumns(draft, [{ ...plain, name: 'code', type: 'text', becomes }])
  draft.makes.set('code', {
    type: 'text',
    needs: [],
    of: (n) => literal(`${n % 3 ? 'x' : ''}${n}`),
  })
}
