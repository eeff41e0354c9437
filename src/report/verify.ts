/**
 * Checks whether a report is as it was when it was sealed, and who signed it. Reads the file as a
 * stream: a report may be larger than memory.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { z } from 'zod'
import { messageOf, RehomeError } from '../errors.ts'
import { canonicalJson } from './canonical.ts'
import { dataEnd, dataStart, htmlSeal, jsonSeal, jsonStart } from './report-file.ts'
import { isSigned, keyIdOf, publicKeyOf, sealFormat } from './seal.ts'

export interface VerifyOptions {
  /** The signer's public key: a PEM, or the path of one. Default: the one in the file. */
  readonly publicKey?: string | undefined
}

export interface Verified {
  readonly format: 'html' | 'json'
  /** sha256 of the signer's public key. */
  readonly keyId: string
  /** The signer is the one that the caller named. */
  readonly isKnownKey: boolean
  readonly jsonSha256: string
}

const sealShape = z.strictObject({
  format: z.literal(sealFormat),
  jsonSha256: z.string(),
  fileSha256: z.string(),
  jsonBytes: z.int().min(2),
  signature: z
    .strictObject({ algorithm: z.literal('ed25519'), publicKey: z.string(), value: z.string() })
    .nullable(),
})

/**
 * Returns the key that signed the file. Throws REPORT_ALTERED if the file is no report or not as it
 * was sealed, REPORT_UNTRUSTED if it is not signed or not by this key, USAGE if it is unreadable.
 */
export async function verifyReport(path: string, options: VerifyOptions = {}): Promise<Verified> {
  const trustedKey = options.publicKey === undefined ? null : publicKeyOf(options.publicKey)
  const { format, sealed, seal } = await readSeal(path)
  const { jsonBytes, signature } = seal
  const end = format === 'html' ? sealed - dataEnd.length : sealed
  const start = end - jsonBytes
  await refuseWrongFrame(path, { format, start, end })
  if ((await sha256Of(path, { start: 0, end: sealed })) !== seal.fileSha256) throw altered(path)
  if ((await sha256Of(path, { start, end })) !== seal.jsonSha256) throw altered(path)
  if (signature === null) throw untrusted(path, 'is not signed: anybody can have made it')
  if (!isSigned(seal, signature)) throw altered(path)
  const keyId = keyIdOf(signature.publicKey)
  if (trustedKey !== null && trustedKey !== signature.publicKey) {
    throw untrusted(path, `is signed with another key, ${keyId}, than ${keyIdOf(trustedKey)}`)
  }
  return { format, keyId, isKnownKey: trustedKey !== null, jsonSha256: seal.jsonSha256 }
}

interface SealAt {
  readonly format: 'html' | 'json'
  /** The number of bytes before the seal. */
  readonly sealed: number
  readonly seal: z.infer<typeof sealShape>
}

/** More than a seal is long. */
const tailBytes = 2048

async function readSeal(path: string): Promise<SealAt> {
  const { text, size } = await withFile(path, async (file) => {
    const { size } = await file.stat()
    const length = Math.min(size, tailBytes)
    return { text: await readAt(file, { start: size - length, end: size }), size }
  })
  for (const [format, { before, after }] of [
    ['html', htmlSeal],
    ['json', jsonSeal],
  ] as const) {
    const at = text.lastIndexOf(before)
    if (at < 0 || !text.endsWith(after)) continue
    const seal = parseSeal(text.slice(at + before.length, -after.length))
    if (seal) return { format, sealed: size - text.length + at, seal }
  }
  throw altered(path)
}

/** null: not as a seal is written. */
function parseSeal(text: string): z.infer<typeof sealShape> | null {
  try {
    const seal = sealShape.parse(JSON.parse(text))
    return canonicalJson(seal) === text ? seal : null
  } catch {
    return null
  }
}

interface Part {
  readonly start: number
  readonly end: number
}

/** Refuses data that stands elsewhere than where a reader looks for it. Throws REPORT_ALTERED. */
async function refuseWrongFrame(
  path: string,
  { format, start, end }: Part & Pick<SealAt, 'format'>,
): Promise<void> {
  const before = format === 'html' ? `\n${dataStart}` : jsonStart
  const after = format === 'html' ? dataEnd : ''
  const from = start - before.length
  if (from < 0 || (format === 'json' && from !== 0)) throw altered(path)
  const frame = await withFile(path, async (file) => [
    await readAt(file, { start: from, end: start }),
    await readAt(file, { start: end, end: end + after.length }),
  ])
  if (frame[0] !== before || frame[1] !== after) throw altered(path)
}

/** One character a byte. */
async function readAt(file: FileHandle, { start, end }: Part): Promise<string> {
  const bytes = Buffer.alloc(end - start)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
  return bytes.subarray(0, bytesRead).toString('latin1')
}

async function sha256Of(path: string, { start, end }: Part): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(path, { start, end: end - 1 })) hash.update(bytes)
  return hash.digest('hex')
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path).catch((cause: unknown) => {
    throw new RehomeError('USAGE', `cannot read "${path}": ${messageOf(cause)}`, { cause })
  })
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

function altered(path: string): RehomeError {
  const message = `"${path}" is no HTML or JSON report, or not as it was when it was sealed: ask for the file again`
  return new RehomeError('REPORT_ALTERED', message)
}

function untrusted(path: string, fact: string): RehomeError {
  return new RehomeError('REPORT_UNTRUSTED', `"${path}" ${fact}`)
}
