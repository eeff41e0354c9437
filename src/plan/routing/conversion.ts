/**
 * Whether every value of one column's type survives the way to another's. What may lose something,
 * or may be refused halfway, does not fit. Pure.
 */
import type { CatalogColumn } from '../catalogs/catalog.ts'

/** `none`: the types are the same. `cast`: to the target's type, which loses nothing. */
export type Conversion = 'none' | 'cast' | 'lossy'

type ColumnType = Pick<CatalogColumn, 'typeName' | 'typeText'>

/** Type → types that hold all of its values; where these have a modifier, see `holds`. */
const wider: ReadonlyMap<string, readonly string[]> = new Map([
  ['int2', ['int4', 'int8', 'numeric']],
  ['int4', ['int8', 'numeric']],
  ['int8', ['numeric']],
  ['float4', ['float8']],
  ['varchar', ['text']],
  ['bpchar', ['text', 'varchar']],
  ['text', ['varchar']],
  ['name', ['text']],
])

/** An expression of the plan has no `typeText`: what it may lose has been spelled out by it. */
export function conversionOf(from: Partial<ColumnType>, to: ColumnType): Conversion {
  const { typeName = '', typeText } = from
  const fits = typeText === undefined || holds({ typeName, typeText }, to)
  if (!fits) return 'lossy'
  if (typeName === to.typeName) return 'none'
  return wider.get(typeName)?.includes(to.typeName) ? 'cast' : 'lossy'
}

/** `[10, 2]` of `numeric(10,2)`; null where there is no number. */
function modifierOf(typeText: string): readonly [number, number] | null {
  const [, first, second] = /\((-?\d+)(?:,(-?\d+))?\)/.exec(typeText) ?? []
  return first === undefined ? null : [Number(first), Number(second ?? 0)]
}

/** Digits before the point of the integer types. */
const integerDigits: ReadonlyMap<string, number> = new Map([
  ['int2', 5],
  ['int4', 10],
  ['int8', 19],
])

const secondsDigitsMax = 6

function holds(from: ColumnType, to: ColumnType): boolean {
  if (from.typeText === to.typeText || !to.typeText.includes('(')) return true
  const room = modifierOf(to.typeText) ?? [0, 0]
  const modifier = modifierOf(from.typeText)
  switch (to.typeName.replace(/^_/, '')) {
    case 'numeric': {
      const integer = integerDigits.get(from.typeName)
      const [digits, scale] = modifier ?? (integer === undefined ? [Infinity, 0] : [integer, 0])
      return room[1] >= scale && room[0] - room[1] >= digits - scale
    }
    case 'varchar':
    case 'bpchar':
    case 'varbit':
      return modifier !== null && room[0] >= modifier[0]
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
    case 'interval':
      return room[0] >= (modifier?.[0] ?? secondsDigitsMax)
    default:
      // An extension's type, whose modifiers are not ours to understand.
      return false
  }
}
