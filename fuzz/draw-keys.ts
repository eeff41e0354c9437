/** Keys, how they get numbers by themselves, and the other columns. */
import type { Column } from './case.ts'
import { addColumns, columnOf, type Draft, type Drawing, type Numbers, plain } from './draft.ts'
import { literal, name, weighted } from './draw.ts'
import { drawValueKind, type KeyKind, type Kind, keyKinds, keyWeights } from './types.ts'

export function addKey(drawing: Drawing, draft: Draft): void {
  const { random } = drawing
  const { tenant } = draft.table
  const [first] = draft.paths
  const shape = weighted(random, {
    plain: 10,
    tenant: tenant ? 3 : 0,
    day: 1,
    parent: first?.notNull && !tenant ? 2 : 0,
  })
  const isLine = shape === 'parent' || shape === 'day'
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
  const keyed = new Set(columns)
  const hashes = !['mood_pair', 'pair', 'isbn'].includes(kindName)
  const isNumber = kindName === 'int' || kindName === 'bigint'
  const ranges = isNumber && shape === 'plain' && !draft.numbers?.descending
  const by = ranges && random.chance(0.6) ? 'range' : 'hash'
  draft.table = {
    ...draft.table,
    key: columns,
    keyKind: random.chance(0.05) ? 'unique' : 'primary',
    columns: draft.table.columns.map((c) => (keyed.has(c.name) ? { ...c, notNull: true } : c)),
    partitioned: random.chance(0.15) && hashes ? { by, parts: ['p0', 'p1'] } : null,
  }
}

/** How the key gets numbers by itself. */
function numbering(drawing: Drawing, draft: Draft, kind: KeyKind): Partial<Column> {
  const { random, schema } = drawing
  const own = `${name(schema)}.${name(draft.table.name)}`
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

export function addValues(drawing: Drawing, draft: Draft): void {
  const { random } = drawing
  for (let i = random.between(0, 4); i > 0; i -= 1) {
    const kind = drawValueKind(random)
    const column = columnOf(drawing, { name: `v${i}`, kind, notNull: false })
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
      targetType: null,
    }
    addColumns(draft, [made])
  }
}
