/**
 * The cutting of COPY streams: fuzzed without a server, then both ways through a real one.
 *
 * What a row means is not looked at here. Invariant under test: nothing of a stream is lost,
 * doubled or cut through, wherever the network cut it.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import type pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { describe, expect, test } from 'vitest'
import {
  binaryHeader,
  binaryTrailer,
  type ChunkedBlock,
  type CopyFormat,
  createRowSplitter,
  rowBlocks,
  rowsOf,
} from '../../src/values/split-rows.ts'
import { createDatabase } from '../helpers/database.ts'

type Row = (Buffer | null)[]

const field = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.uint8Array({ minLength: 200, maxLength: 300 }),
    fc.constant(Uint8Array.of(0xff, 0xff)),
  ),
)
const rows: fc.Arbitrary<Row[]> = fc
  .integer({ min: 0, max: 4 })
  .chain((fields) => fc.array(fc.array(field, { minLength: fields, maxLength: fields })))
  .map((all) => all.map((row) => row.map((value) => value && Buffer.from(value))))
const lines = fc.array(
  fc.stringMatching(/^[^\n]*$/).filter((line) => line !== '\\.' && !line.includes('\n')),
)
const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 })

function binaryRow(row: Row): Buffer {
  const parts = row.flatMap((value) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(value?.length ?? -1)
    return value ? [length, value] : [length]
  })
  const count = Buffer.alloc(2)
  count.writeInt16BE(row.length)
  return Buffer.concat([count, ...parts])
}

function headerWith(extension: Buffer, flags = 0): Buffer {
  const header = Buffer.from(binaryHeader)
  header.writeUInt32BE(flags, 11)
  header.writeInt32BE(extension.length, 15)
  return Buffer.concat([header, extension])
}

/** The stream in pieces of the given sizes, over and over. */
async function* pieces(stream: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < stream.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1
    yield stream.subarray(at, at + size)
    at += size
  }
}

interface Cutting {
  format: CopyFormat
  maxRows: number
  sizes?: readonly number[]
}

async function cut(stream: Buffer, { sizes = [stream.length || 1], ...options }: Cutting) {
  const blocks: ChunkedBlock[] = []
  for await (const block of rowBlocks(pieces(stream, sizes), options)) blocks.push(block)
  return blocks
}

function expectRows(blocks: readonly ChunkedBlock[], expected: readonly Buffer[]): void {
  expect(Buffer.concat(blocks.map((block) => block.bytes))).toEqual(Buffer.concat(expected))
  expect(blocks.flatMap((block) => [...rowsOf(block)])).toEqual(expected)
  for (const block of blocks) {
    expect(block.rows).toBe(block.ends.length)
    expect(block.ends.at(-1)).toBe(block.bytes.length)
  }
}

/** Rows in each chunk, as a caller would commit them; rows behind the last commit would be lost. */
function chunkSizes(blocks: readonly ChunkedBlock[]): number[] {
  const sizes: number[] = []
  let open = 0
  for (const block of blocks) {
    open += block.rows
    if (!block.endsChunk) continue
    sizes.push(open)
    open = 0
  }
  expect(open).toBe(0)
  return sizes
}

function expectedSizes(total: number, maxRows: number): number[] {
  const full = Array.from({ length: Math.floor(total / maxRows) }, () => maxRows)
  return total % maxRows === 0 ? full : [...full, total % maxRows]
}

describe('a binary stream', () => {
  test('gives back the same rows, however the network cut it', async () => {
    const input = [rows, cuts, fc.integer({ min: 1, max: 7 }), fc.uint8Array()] as const
    await fc.assert(
      fc.asyncProperty(...input, async (all, sizes, maxRows, extension) => {
        const expected = all.map(binaryRow)
        const header = headerWith(Buffer.from(extension))
        const stream = Buffer.concat([header, ...expected, binaryTrailer])
        const blocks = await cut(stream, { format: 'binary', maxRows, sizes })
        expectRows(blocks, expected)
        expect(chunkSizes(blocks)).toEqual(expectedSizes(all.length, maxRows))
      }),
      { numRuns: 500 },
    )
  })

  test('may be cut in two at every byte', async () => {
    const expected = [
      [Buffer.from('a'), null],
      [Buffer.alloc(0), Buffer.alloc(9, 255)],
    ].map(binaryRow)
    const header = headerWith(Buffer.from('extension'))
    const stream = Buffer.concat([header, ...expected, binaryTrailer])
    for (let at = 0; at <= stream.length; at += 1) {
      const sizes = [at, stream.length]
      expectRows(await cut(stream, { format: 'binary', maxRows: 10, sizes }), expected)
    }
  })

  test('that ends too early says at which byte, and may be tried again', async () => {
    const stream = Buffer.concat([binaryHeader, binaryRow([Buffer.from('abc')]), binaryTrailer])
    for (let length = 0; length < stream.length; length += 1) {
      const promise = cut(stream.subarray(0, length), { format: 'binary', maxRows: 10 })
      await expect(promise, `${length} bytes`).rejects.toMatchObject({
        code: 'DATABASE_ERROR',
        retryable: true,
        message: `the COPY stream ended at byte ${length}, before its end mark`,
      })
    }
  })

  test.each([
    ['text', Buffer.from('1\tone\n'), 'byte 0: it does not begin with the signature'],
    ['rows with OIDs', headerWith(Buffer.alloc(0), 0x10000), 'byte 11: rows with OIDs'],
    ['unknown flags', headerWith(Buffer.alloc(0), 0x40000), 'byte 11: critical flags 0x4'],
    [
      'a second signature',
      Buffer.concat([binaryHeader, binaryHeader]),
      'byte 19: a row of 20551 fields',
    ],
    ['a negative count', hex('fffe'), 'byte 19: a row of -2 fields'],
    ['a negative length', hex('0001 fffffffe'), 'byte 21: a field of -2 bytes'],
    ['the same later', hex('0001 00000000 0001 fffffffe'), 'byte 27: a field of -2 bytes'],
    [
      'a count that changes',
      hex('0001 ffffffff 0002'),
      'byte 25: a row of 2 fields after rows of 1',
    ],
    ['bytes after the end', hex('ffff 00'), 'byte 21: there is more after the end mark'],
  ])('that is %s is refused with the place', async (_, stream, message) => {
    for (const sizes of [[stream.length], [1]]) {
      const promise = cut(stream, { format: 'binary', maxRows: 10, sizes })
      await expect(promise).rejects.toMatchObject({ code: 'DATABASE_ERROR', retryable: false })
      await expect(promise).rejects.toThrow(message)
    }
  })

  test('with flags that change nothing is read', async () => {
    const stream = Buffer.concat([headerWith(Buffer.alloc(0), 0x1), binaryTrailer])
    expect(await cut(stream, { format: 'binary', maxRows: 10 })).toEqual([])
  })
})

function hex(rest: string): Buffer {
  return Buffer.concat([binaryHeader, Buffer.from(rest.replaceAll(' ', ''), 'hex')])
}

describe('a text stream', () => {
  test('gives back the same rows, however the network cut it', async () => {
    const input = [lines, cuts, fc.integer({ min: 1, max: 7 }), fc.boolean()] as const
    await fc.assert(
      fc.asyncProperty(...input, async (all, sizes, maxRows, marked) => {
        const expected = all.map((line) => Buffer.from(`${line}\n`))
        const stream = Buffer.concat([...expected, Buffer.from(marked ? '\\.\n' : '')])
        const blocks = await cut(stream, { format: 'text', maxRows, sizes })
        expectRows(blocks, expected)
        expect(chunkSizes(blocks)).toEqual(expectedSizes(all.length, maxRows))
      }),
      { numRuns: 500 },
    )
  })

  test('may end with an end mark, cut anywhere, but holds lines that resemble one', async () => {
    const expected = ['\\\\.\n', '.\n', '\n', '\\N\n', 'x\\.\n', '\\.x\n'].map((l) =>
      Buffer.from(l),
    )
    for (const end of ['', '\\.', '\\.\n']) {
      const stream = Buffer.concat([...expected, Buffer.from(end)])
      for (let at = 1; at <= stream.length; at += 1) {
        const sizes = [at, 1]
        expectRows(await cut(stream, { format: 'text', maxRows: 10, sizes }), expected)
      }
    }
  })

  test('that ends within a row, or goes on after its end mark, is refused', async () => {
    const [half, more] = ['a\nb', 'a\n\\.\nb\n'].map((text) => Buffer.from(text))
    for (const sizes of [[9], [1]]) {
      const options: Cutting = { format: 'text', maxRows: 10, sizes }
      await expect(cut(half ?? binaryHeader, options)).rejects.toThrow('ended at byte 3, before')
      await expect(cut(more ?? binaryHeader, options)).rejects.toThrow('malformed at byte 5')
    }
  })
})

test.each(['binary', 'text'] as const)(
  'a %s row of 64 MB in small pieces takes no longer than many small rows',
  (format) => {
    const size = 64 * 1024 * 1024
    const big = Buffer.alloc(size, 'x')
    const row = format === 'binary' ? binaryRow([big]) : Buffer.concat([big, Buffer.from('\n')])
    const splitter = createRowSplitter(format)
    if (format === 'binary') splitter.push(binaryHeader)
    const start = performance.now()
    let block = null
    for (let at = 0; at < row.length; at += 1024) {
      block = splitter.push(row.subarray(at, at + 1024))
      // Putting the rest together with every piece would copy 2 TB, which takes minutes.
      if (performance.now() - start > 10_000) throw new Error(`slow: at byte ${at} after 10 s`)
    }
    expect(block?.bytes.equals(row)).toBe(true)
  },
)

test('a block is a view of what came, where no row was open', () => {
  const bytes = Buffer.from('a\nb\n')
  expect(createRowSplitter('text').push(bytes)?.bytes.buffer).toBe(bytes.buffer)
})

test.each(['binary', 'text'] as const)(
  'a table goes through %s COPY in transactions of exactly n rows',
  async (format) => {
    await using database = await createDatabase()
    await database.pool.query(`
    create table source (id int8 primary key, note text, data bytea);
    create table target (like source, tx xid8 default pg_current_xact_id());
    insert into source select n,
      case when n % 7 > 0 then repeat(E'tab\\t newline\\n \\\\. ü ', n % 50) end,
      decode(repeat('00ff0a5c', n % 300), 'hex') from generate_series(1, 2500) n;
    insert into source values (0, repeat('x', 3000000), null)`)
    await copyInChunks(database.pool, { format, maxRows: 400 })
    const same = await database.pool.query(`
    (table source except select id, note, data from target)
    union all (select id, note, data from target except table source)`)
    expect(same.rows).toEqual([])
    const chunks = await database.pool.query(
      'select count(*)::int, min(id)::int from target group by tx order by min(id)',
    )
    expect(chunks.rows.map((row) => row.count)).toEqual([400, 400, 400, 400, 400, 400, 101])
    expect(chunks.rows.map((row) => row.min)).toEqual([0, 400, 800, 1200, 1600, 2000, 2400])
  },
)

async function copyInChunks(pool: pg.Pool, options: { format: CopyFormat; maxRows: number }) {
  const reader = await pool.connect()
  const sql = `copy (select * from source order by id) to stdout (format ${options.format})`
  let chunk: Buffer[] = []
  for await (const block of rowBlocks(reader.query(copyTo(sql)), options)) {
    chunk.push(block.bytes)
    if (!block.endsChunk) continue
    const isBinary = options.format === 'binary'
    await write(pool, options.format, isBinary ? [binaryHeader, ...chunk, binaryTrailer] : chunk)
    chunk = []
  }
  reader.release()
}

async function write(pool: pg.Pool, format: CopyFormat, chunk: readonly Buffer[]): Promise<void> {
  const writer = await pool.connect()
  const sql = `copy target (id, note, data) from stdin (format ${format})`
  await pipeline(Readable.from(chunk), writer.query(copyFrom(sql)))
  writer.release()
}
