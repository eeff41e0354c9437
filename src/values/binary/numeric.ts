/**
 * numeric: digits to the base of 10,000 with the weight of the first, a sign, and the number of
 * decimals that are shown. numeric_send and set_var_from_str in src/backend/utils/adt/numeric.c.
 */
import type { BinaryForm, ByteWriter } from './form.ts'

const [PLUS, MINUS, NAN, INFINITY, MINUS_INFINITY] = [0x0000, 0x4000, 0xc000, 0xd000, 0xf000]
const special: ReadonlyMap<number, string> = new Map([
  [NAN, 'NaN'],
  [INFINITY, 'Infinity'],
  [MINUS_INFINITY, '-Infinity'],
])
const specialSigns = new Map([...special].map(([sign, text]) => [text, sign]))

export const numericForm: BinaryForm = { oid: 1700, text: numericText, write: writeNumeric }

function numericText(bytes: Buffer, start: number): string {
  const digits = bytes.readUInt16BE(start)
  const weight = bytes.readInt16BE(start + 2)
  const sign = bytes.readUInt16BE(start + 4)
  const decimals = bytes.readUInt16BE(start + 6)
  const named = special.get(sign)
  if (named !== undefined) return named
  const groupAt = (i: number) => {
    return i < 0 || i >= digits ? 0 : bytes.readUInt16BE(start + 8 + 2 * i)
  }
  let text = sign === MINUS ? '-' : ''
  text += weight < 0 ? '0' : groupAt(0)
  for (let i = 1; i <= weight; i += 1) text += fourDigits(groupAt(i))
  if (decimals === 0) return text
  let fraction = ''
  for (let i = weight + 1; fraction.length < decimals; i += 1) fraction += fourDigits(groupAt(i))
  return `${text}.${fraction.slice(0, decimals)}`
}

function fourDigits(digit: number): string {
  return digit > 999 ? String(digit) : String(digit).padStart(4, '0')
}

/** The limits of numeric before PostgreSQL reports an overflow. */
const [maxWhole, maxDecimals] = [131_072, 16_383]

/** Where the digits of a number stand in its text: from `whole` to `point`, and behind that. */
interface Digits {
  readonly negative: boolean
  readonly whole: number
  readonly point: number
}

function writeNumeric(text: string, out: ByteWriter): boolean {
  const sign = specialSigns.get(text)
  if (sign !== undefined) {
    // PostgreSQL sends 32 with an infinite one, which has no meaning.
    writeHead(out, { digits: 0, weight: 0, sign, decimals: sign === NAN ? 0 : 32 })
    return true
  }
  const parsed = digitsOf(text)
  if (parsed === null) return false
  const { negative, whole, point } = parsed
  const decimals = Math.max(text.length - point - 1, 0)
  if (point - whole > maxWhole || decimals > maxDecimals) return false
  const start = out.at
  writeHead(out, { digits: 0, weight: 0, sign: PLUS, decimals })
  // Groups are numbered by their weight; those of zeros at either end are not written.
  let [weight, digits, zeros] = [0, 0, 0]
  const last = -Math.ceil(decimals / 4)
  for (let group = Math.ceil((point - whole) / 4) - 1; group >= last; group -= 1) {
    const digit = digitAt(text, parsed, group)
    if (digit === 0) zeros += 1
    else {
      if (digits === 0) weight = group
      else for (; zeros > 0; zeros -= 1, digits += 1) out.uint16(0)
      out.uint16(digit)
      digits += 1
      zeros = 0
    }
  }
  out.bytes.writeUInt16BE(digits, start)
  out.bytes.writeInt16BE(weight, start + 2)
  // There is no -0.
  if (negative && digits > 0) out.bytes.writeUInt16BE(MINUS, start + 4)
  return true
}

const [ZERO, NINE, POINT_SIGN, MINUS_SIGN, PLUS_SIGN] = [0x30, 0x39, 0x2e, 0x2d, 0x2b]

/** null: not a number, or one with an exponent. */
function digitsOf(text: string): Digits | null {
  const first = text.charCodeAt(0)
  const start = first === MINUS_SIGN || first === PLUS_SIGN ? 1 : 0
  let point = text.length
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === POINT_SIGN && point === text.length) point = at
    else if (code < ZERO || code > NINE) return null
  }
  // A point by itself is none.
  if (text.length - start < (point === text.length ? 1 : 2)) return null
  let whole = start
  while (whole < point && text.charCodeAt(whole) === ZERO) whole += 1
  return { negative: first === MINUS_SIGN, whole, point }
}

/** The four decimal digits that stand for `group` powers of 10,000. */
function digitAt(text: string, { whole, point }: Digits, group: number): number {
  const from = group >= 0 ? point - 4 * (group + 1) : point + 1 - 4 * (group + 1)
  let digit = 0
  for (let at = from; at < from + 4; at += 1) {
    const code = at < whole || at >= text.length ? ZERO : text.charCodeAt(at)
    digit = digit * 10 + code - ZERO
  }
  return digit
}

interface Head {
  readonly digits: number
  readonly weight: number
  readonly sign: number
  readonly decimals: number
}

function writeHead(out: ByteWriter, { digits, weight, sign, decimals }: Head): void {
  out.uint16(digits)
  out.int16(weight)
  out.uint16(sign)
  out.uint16(decimals)
}
