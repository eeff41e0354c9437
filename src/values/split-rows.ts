/**
 * Cuts the bytes of `COPY … TO STDOUT` into blocks of whole rows, so that one long ordered read can
 * be written as many transactions of a fixed number of rows.
 *
 * It decodes no field and opens no connection. Invariant: blocks put together are the stream but
 * for its header and end mark, and every byte is copied once at most, however long a row is.
 * Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
 */
import { RehomeError } from '../errors.ts'

export type CopyFormat = 'binary' | 'text'

export interface RowBlock {
  /** Whole rows, without the binary format's header and trailer. */
  readonly bytes: Buffer
  readonly rows: number
  /** Offset in `bytes` behind each row, ascending; the last one is the length. */
  readonly ends: readonly number[]
}

export interface ChunkedBlock extends RowBlock {
  /** The chunk is full, or the stream is at its end: commit after this block. */
  readonly endsChunk: boolean
}

export interface RowSplitter {
  /** The rows that became complete, or null. They may be views: do not write to `bytes` again. */
  push(bytes: Buffer): RowBlock | null
  /** The stream is over. Throws DATABASE_ERROR where that is in the middle of something. */
  end(): void
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const headerLength = signature.length + 8

/** The head of a binary `COPY … FROM STDIN`: no flags, no extension. */
export const binaryHeader: Buffer = Buffer.concat([signature, Buffer.alloc(8)])
/** The end of it. */
export const binaryTrailer: Buffer = Buffer.from([0xff, 0xff])

/**
 * Reads the source to its end, in blocks of which none reaches over a multiple of `maxRows`. The
 * last block has `endsChunk` too, so a caller commits after each such block and nowhere else; no
 * rows are no blocks. Throws DATABASE_ERROR, with the offset in bytes, for what is not a COPY.
 */
export async function* rowBlocks(
  source: AsyncIterable<Buffer>,
  options: { format: CopyFormat; maxRows: number },
): AsyncGenerator<ChunkedBlock, void, undefined> {
  const splitter = createRowSplitter(options.format)
  let room = options.maxRows
  let held: RowBlock | null = null
  for await (const bytes of source) {
    let rest = splitter.push(bytes)
    while (rest !== null) {
      // One block waits, because only the next one tells that it was not the last.
      if (held !== null) yield { ...held, endsChunk: false }
      ;[held, rest] = takeRows(rest, room)
      room -= held.rows
      if (room > 0) continue
      yield { ...held, endsChunk: true }
      held = null
      room = options.maxRows
    }
  }
  splitter.end()
  if (held !== null) yield { ...held, endsChunk: true }
}

/** The first `rows` rows of a block, and what is left of it. Copies no bytes; `rows` is over 0. */
function takeRows(block: RowBlock, rows: number): [RowBlock, RowBlock | null] {
  const cut = block.ends[rows - 1]
  if (cut === undefined || rows >= block.rows) return [block, null]
  const later = block.ends.slice(rows).map((end) => end - cut)
  return [
    { bytes: block.bytes.subarray(0, cut), rows, ends: block.ends.slice(0, rows) },
    { bytes: block.bytes.subarray(cut), rows: later.length, ends: later },
  ]
}

/** Each row of a block: in text format a line with its newline. Copies no bytes. */
export function* rowsOf(block: RowBlock): Generator<Buffer, void, undefined> {
  let from = 0
  for (const end of block.ends) {
    yield block.bytes.subarray(from, end)
    from = end
  }
}

export function createRowSplitter(format: CopyFormat): RowSplitter {
  const scanner: Scanner = format === 'binary' ? new BinaryScanner() : new TextScanner()
  let offset = 0
  let open: Buffer[] = []
  return {
    push(bytes) {
      const start = scanner.skipHeader?.(bytes) ?? 0
      const body = bytes.subarray(start)
      const ends = scanner.scan(body, offset + start)
      offset += bytes.length
      const last = ends.at(-1)
      if (last === undefined) {
        open.push(body)
        return null
      }
      const block = join(open, { bytes: body.subarray(0, last), rows: ends.length, ends })
      open = last < body.length ? [body.subarray(last)] : []
      return block
    },
    end() {
      const missing = scanner.missing()
      if (missing === null) return
      // The connection broke without an error: another attempt may get through.
      const message = `the COPY stream ended at byte ${offset}, before ${missing}`
      throw new RehomeError('DATABASE_ERROR', message, { retryable: true })
    },
  }
}

/** Finds the ends of rows, and holds nothing but where it stands. */
interface Scanner {
  /** How many of these bytes belong to the header. */
  skipHeader?(bytes: Buffer): number
  /** Offsets behind the rows that end in these bytes; `offset` is for errors only. */
  scan(bytes: Buffer, offset: number): number[]
  /** The part that is still missing. */
  missing(): string | null
}

/** The pieces of a row that was open so far are put together once, when it is complete. */
function join(open: readonly Buffer[], block: RowBlock): RowBlock {
  const before = open.reduce((sum, piece) => sum + piece.length, 0)
  if (before === 0) return block
  const bytes = Buffer.concat([...open, block.bytes])
  return { ...block, bytes, ends: block.ends.map((end) => end + before) }
}

function malformed(offset: number, what: string): RehomeError {
  const message = `the COPY stream is malformed at byte ${offset}: ${what}`
  return new RehomeError('DATABASE_ERROR', message)
}

/** Protocol 3 sends no end mark, but older servers, proxies and saved files do. */
const endMark = Buffer.from('\\.')
const nothing = Buffer.alloc(0)

class TextScanner implements Scanner {
  /** How the open row begins: enough bytes to know the end mark. */
  private head: Buffer = nothing
  private ended = false

  scan(bytes: Buffer, offset: number): number[] {
    const ends: number[] = []
    let from = 0
    while (from < bytes.length) {
      if (this.ended) throw malformed(offset + from, 'there is more after the end mark')
      const newline = bytes.indexOf(10, from)
      if (newline === -1) {
        if (this.head.length < 3) {
          this.head = Buffer.concat([this.head, bytes.subarray(from, from + 3)])
        }
        break
      }
      if (newline - from <= endMark.length) {
        this.ended = Buffer.concat([this.head, bytes.subarray(from, newline)]).equals(endMark)
      }
      this.head = nothing
      from = newline + 1
      if (!this.ended) ends.push(from)
    }
    return ends
  }

  missing(): string | null {
    const done = this.head.length === 0 || this.head.equals(endMark)
    return done ? null : 'the newline of its last row'
  }
}

class BinaryScanner implements Scanner {
  /** The header as far as it came; null once it was read. */
  private header: Buffer | null = nothing
  /** Bytes of the header's extension that are still to come. */
  private extension = 0
  private ended = false
  /** Fields in every row; -1 before the first. */
  private fields = -1
  /** Fields of the open row whose length was not read yet; -1 between rows. */
  private fieldsLeft = -1
  /** Bytes of the open field that are still to come. */
  private skip = 0
  /** A signed, big-endian number, and how many of its bytes came so far. */
  private word = 0
  private wordBytes = 0

  missing(): string | null {
    return this.ended ? null : 'its end mark'
  }

  skipHeader(bytes: Buffer): number {
    let start = 0
    if (this.header !== null) {
      start = Math.min(headerLength - this.header.length, bytes.length)
      this.header = Buffer.concat([this.header, bytes.subarray(0, start)])
      checkSignature(this.header)
      if (this.header.length < headerLength) return start
      this.extension = extensionOf(this.header)
      this.header = null
    }
    const skipped = Math.min(this.extension, bytes.length - start)
    this.extension -= skipped
    return start + skipped
  }

  scan(bytes: Buffer, offset: number): number[] {
    const ends: number[] = []
    let at = 0
    while (at < bytes.length) {
      const next = this.wholeRow(bytes, at)
      at = next ?? this.step(bytes, { at, offset })
      if (next === null && (this.skip > 0 || this.fieldsLeft !== 0)) continue
      this.fieldsLeft = -1
      ends.push(at)
    }
    return ends
  }

  /** The quick way: where a row like the one before ends, if it is all there. */
  private wholeRow(bytes: Buffer, start: number): number | null {
    const isBetweenRows = this.fieldsLeft === -1 && this.wordBytes === 0
    if (this.fields === -1 || !isBetweenRows || this.ended) return null
    if (start + 2 > bytes.length || bytes.readInt16BE(start) !== this.fields) return null
    let at = start + 2
    for (let i = 0; i < this.fields; i += 1) {
      if (at + 4 > bytes.length) return null
      const length = bytes.readInt32BE(at)
      if (length < -1) return null
      at += 4 + Math.max(length, 0)
    }
    return at <= bytes.length ? at : null
  }

  /** Goes over bytes of a field, or over one byte of a number; returns where it stands then. */
  private step(bytes: Buffer, { at, offset }: { at: number; offset: number }): number {
    if (this.ended) throw malformed(offset + at, 'there is more after the end mark')
    if (this.skip > 0) {
      const skipped = Math.min(this.skip, bytes.length - at)
      this.skip -= skipped
      return at + skipped
    }
    const byte = bytes.readUInt8(at)
    this.word = this.wordBytes === 0 ? (byte << 24) >> 24 : (this.word << 8) | byte
    this.wordBytes += 1
    const size = this.fieldsLeft === -1 ? 2 : 4
    if (this.wordBytes < size) return at + 1
    this.wordBytes = 0
    if (size === 2) this.beginRow(offset + at - 1)
    else this.beginField(offset + at - 3)
    return at + 1
  }

  private beginRow(offset: number): void {
    const count = this.word
    if (count === -1) {
      this.ended = true
      return
    }
    if (this.fields === -1) this.fields = count
    // PostgreSQL's limit for a row of a query.
    if (count < 0 || count > 1664) throw malformed(offset, `a row of ${count} fields`)
    if (count !== this.fields) {
      throw malformed(offset, `a row of ${count} fields after rows of ${this.fields}`)
    }
    this.fieldsLeft = count
  }

  private beginField(offset: number): void {
    if (this.word < -1) throw malformed(offset, `a field of ${this.word} bytes`)
    this.skip = Math.max(this.word, 0)
    this.fieldsLeft -= 1
  }
}

/** Checks as soon as the first byte is there: a text stream may be shorter than the header. */
function checkSignature(header: Buffer): void {
  const start = header.subarray(0, signature.length)
  if (start.equals(signature.subarray(0, start.length))) return
  throw malformed(0, 'it does not begin with the signature of binary COPY')
}

/** The upper 16 flags change the format (the lowest of them: rows with OIDs), the lower do not. */
function extensionOf(header: Buffer): number {
  const critical = header.readUInt16BE(signature.length)
  if (critical !== 0) {
    const what = critical === 1 ? 'rows with OIDs' : `critical flags 0x${critical.toString(16)}`
    throw malformed(signature.length, `${what} are not supported`)
  }
  const length = header.readInt32BE(signature.length + 4)
  if (length < 0) throw malformed(signature.length + 4, `a header extension of ${length} bytes`)
  return length
}
