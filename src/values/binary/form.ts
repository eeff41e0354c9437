/** Binary forms of types, and the buffer that they are written to. */

/**
 * One type's binary form, as its `send` function writes it, beside a text of the same value: that
 * of its output function, but for float8, where it is JavaScript's.
 * A form knows exactly the texts that PostgreSQL writes, and some more; others are for PostgreSQL.
 */
export interface BinaryForm {
  /** The oid of the type, as arrays of it name it. */
  readonly oid: number
  /** The text of the value that `bytes` has from `start` to `end`. */
  text(bytes: Buffer, start: number, end: number): string
  /** Reads the codec's value directly, where there is a shorter way than its text. */
  value?(bytes: Buffer, start: number, end: number): unknown
  /** Writes the value of a text; false, with anything written, for a text it does not know. */
  write(text: string, out: ByteWriter): boolean
}

/** Up to here a loop over bytes is quicker than calling for them. */
const short = 24

/** Bytes that grow at their end. */
export class ByteWriter {
  bytes: Buffer
  /** How many bytes are written. */
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  /** Makes room for `more` bytes behind `at`. */
  reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + more))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  copy(from: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    if (end - start > short) {
      this.at += from.copy(this.bytes, this.at, start, end)
      return
    }
    const { bytes } = this
    let { at } = this
    for (let i = start; i < end; i += 1, at += 1) bytes[at] = from[i] ?? 0
    this.at = at
  }

  int16(value: number): void {
    this.reserve(2)
    this.at = this.bytes.writeInt16BE(value, this.at)
  }

  uint16(value: number): void {
    this.reserve(2)
    this.at = this.bytes.writeUInt16BE(value, this.at)
  }

  int32(value: number): void {
    this.reserve(4)
    this.at = this.bytes.writeInt32BE(value, this.at)
  }

  utf8(text: string): void {
    // No UTF-16 unit makes more than three bytes.
    this.reserve(text.length < 1024 ? text.length * 3 : Buffer.byteLength(text))
    if (text.length > short || !this.ascii(text)) this.at += this.bytes.write(text, this.at)
  }

  /** Writes a text of ASCII; false, and nothing written, for any other. */
  private ascii(text: string): boolean {
    const { bytes, at } = this
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[at + i] = code
    }
    this.at += text.length
    return true
  }

  /** A value behind its length, as arrays and rows have it; false as `write` makes it. */
  field(form: BinaryForm, text: string): boolean {
    const start = this.at
    this.int32(0)
    const isWritten = form.write(text, this)
    this.bytes.writeInt32BE(this.at - start - 4, start)
    return isWritten
  }

  /** The bytes written so far. They belong to the caller. */
  written(): Buffer {
    return this.bytes.subarray(0, this.at)
  }
}
