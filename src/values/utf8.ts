/** Bytes to text, or an error: nothing that JavaScript could not give back. */
import { constants, isUtf8 } from 'node:buffer'
import { RehomeError } from '../errors.ts'

/** Throws TRANSFORM_FAILED where JavaScript could not give the text back. */
export function utf8Text(bytes: Buffer, start: number, end: number): string {
  expectHeld('value', end - start)
  const text = bytes.toString('utf8', start, end)
  // What is no UTF-8 becomes U+FFFD, which may also stand there by itself.
  if (!text.includes('\ufffd') || isUtf8(bytes.subarray(start, end))) return text
  throw new RehomeError(
    'TRANSFORM_FAILED',
    'a text is not valid UTF-8, so JavaScript cannot hold it',
  )
}

/** Throws TRANSFORM_FAILED for a text of more bytes than JavaScript can hold. */
export function expectHeld(what: 'row' | 'value', length: number): void {
  if (length <= constants.MAX_STRING_LENGTH) return
  const size = `${length} bytes, and JavaScript's longest text has`
  const message = `a ${what} has ${size} ${constants.MAX_STRING_LENGTH} bytes`
  throw new RehomeError('TRANSFORM_FAILED', message)
}
