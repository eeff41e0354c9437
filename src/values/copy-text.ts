/**
 * The fields of COPY's text format, read and written as PostgreSQL itself does it.
 *
 * It knows no types: a field is the text that the type's output function wrote, or null. Invariant:
 * a line that was split and read and is written again is the line, for all that COPY TO writes.
 * Format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format". What COPY FROM
 * takes beyond what COPY TO writes (octal, hex, escaped tabs) is read, too: CopyReadAttributesText.
 */
import { RehomeError } from '../errors.ts'
import { expectHeld, utf8Text } from './utf8.ts'

/**
 * Whole lines as text. Throws TRANSFORM_FAILED where there is a NUL, or what is not UTF-8:
 * JavaScript could not give it back.
 */
export function copyText(lines: string | Buffer): string {
  const text = typeof lines === 'string' ? lines : utf8(lines)
  if (text.includes('\0')) throw holdsNul()
  return text
}

/** The fields of a line without its newline, as they stand there. An empty line has one. */
export function splitFields(line: string): string[] {
  const pieces = line.split('\t')
  return line.includes('\\\t') ? joinEscapedTabs(pieces) : pieces
}

export function readField(field: string): string | null {
  return field.includes('\\') ? unescapeField(field) : field
}

/** The field's text as PostgreSQL would write it. Throws TRANSFORM_FAILED for U+0000. */
export function writeField(value: string | null): string {
  if (value === null) return '\\N'
  return special.test(value) ? value.replace(everySpecial, escaped) : value
}

const escapes: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\\': '\\\\',
}
const meanings: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(escapes).map(([character, escaped]) => [escaped.slice(1), character]),
)

// A backspace is \b only inside of brackets.
const special = /[\0\b\t\n\v\f\r\\]/
const everySpecial = new RegExp(special, 'g')

function escaped(character: string): string {
  if (character === '\0') throw holdsNul()
  return escapes[character] ?? character
}

/** A backslash takes the meaning off a tab, too. COPY TO writes \t instead. */
function joinEscapedTabs(pieces: readonly string[]): string[] {
  const fields: string[] = []
  let open = ''
  for (const [i, piece] of pieces.entries()) {
    const escaped = i < pieces.length - 1 && endsInOpenEscape(piece)
    if (escaped) open += `${piece}\t`
    else {
      fields.push(open + piece)
      open = ''
    }
  }
  return fields
}

function endsInOpenEscape(piece: string): boolean {
  let backslashes = 0
  while (piece[piece.length - 1 - backslashes] === '\\') backslashes += 1
  return backslashes % 2 === 1
}

/** In a field whose escaped backslashes were taken out; bytea in hex begins with one. */
const byteEscape = /\\(?:x[0-9a-fA-F]|[0-7])/

function unescapeField(field: string): string | null {
  if (field === '\\N') return null
  if (byteEscape.test(field) && byteEscape.test(field.replaceAll('\\\\', ''))) {
    return unescapeBytes(field)
  }
  let text = ''
  let from = 0
  for (let at = field.indexOf('\\'); at !== -1; at = field.indexOf('\\', from)) {
    const next = field.charAt(at + 1)
    text += field.slice(from, at) + (meanings[next] ?? next)
    from = at + 2
  }
  return text + field.slice(from)
}

/** Octal and hex escapes are bytes, and several may make one character: so on the bytes. */
function unescapeBytes(field: string): string {
  const bytes = Buffer.from(field).toString('latin1')
  const plain = bytes.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.?)/gs, (_, code: string) => {
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff)
    return meanings[code] ?? code
  })
  if (plain.includes('\0')) throw holdsNul()
  return utf8(Buffer.from(plain, 'latin1'))
}

function utf8(bytes: Buffer): string {
  expectHeld('row', bytes.length)
  return utf8Text(bytes, 0, bytes.length)
}

function holdsNul(): RehomeError {
  const message = 'a text holds U+0000, which PostgreSQL cannot store'
  return new RehomeError('TRANSFORM_FAILED', message)
}
