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
  const digitAt = (i: number) => {
    return i < 0 || i >= digits ? 0 : bytes.readUInt16BE(start + 8 + 2 * i)
  }
  let text = sign === MINUS ? '-' : ''
  text += weight < 0 ? '0' : digitAt(0)
  for (let i = 1; i <= weight; i += 1) text += fourDigits(digitAt(i))
  if (decimals === 0) return text
  let fraction = ''
  for (let i = weight + 1; fraction.length < decimals; i += 1) fraction += fourDigits(digitAt(i))
  return `${text}.${fraction.slice(0, decimals)}`
}

function fourDigits(digit: number): string {
  return digit > 999 ? String(digit) : String(digit).padStart(4, '0')
}

/** What numeric holds before PostgreSQL says that it overflows. */
const [maxWhole, maxDecimals] = [131_072, 16_383]
const pattern = /^([+-]?)0*(\d*)(?:\.(\d*))?$/

function writeNumeric(text: string, out: ByteWriter): boolean {
  const sign = specialSigns.get(text)
  if (sign !== undefined) {
    // PostgreSQL sends 32 with an infinite one, which nobody reads.
    writeHead(out, { digits: 0, weight: 0, sign, decimals: sign === NAN ? 0 : 32 })
    return true
  }
  const [, minus, whole = '', fraction = ''] = pattern.exec(text) ?? []
  const isNumber = minus !== undefined && /\d/.test(text)
  if (!isNumber || whole.length > maxWhole || fraction.length > maxDecimals) return false
  const padded = whole.padStart(Math.ceil(whole.length / 4) * 4, '0')
  const all = padded + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0')
  let [first, last] = [0, all.length]
  while (first < last && all.startsWith('0000', first)) first += 4
  while (last > first && all.startsWith('0000', last - 4)) last -= 4
  const digits = (last - first) / 4
  const weight = digits === 0 ? 0 : (padded.length - first) / 4 - 1
  // There is no -0.
  const signOf = minus === '-' && digits > 0 ? MINUS : PLUS
  writeHead(out, { digits, weight, sign: signOf, decimals: fraction.length })
  for (let at = first; at < last; at += 4) out.uint16(Number(all.slice(at, at + 4)))
  return true
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
