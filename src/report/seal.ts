/**
 * The seal: the last part of a report, with the digests of everything before it and, where there
 * is a key, an Ed25519 signature.
 *
 * What is signed is the text of `statementOf`: the digest of the canonical JSON, which a JSON and
 * an HTML file of one report share, and the digest of all bytes before the seal. So neither the
 * data nor what a page shows of it can be changed. The seal itself is canonical JSON, and its
 * values have one form only: no byte of it can be changed either.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { RehomeError } from '../errors.ts'
import { canonicalJson } from './canonical.ts'

export const sealFormat = 'rehome-report-seal/1'

export interface Digests {
  /** sha256 in hexadecimal digits, of the canonical JSON and of all bytes before the seal. */
  readonly jsonSha256: string
  readonly fileSha256: string
  readonly jsonBytes: number
}

export interface Seal extends Digests {
  readonly format: typeof sealFormat
  /** null: not signed. */
  readonly signature: Signature | null
}

export interface Signature {
  readonly algorithm: 'ed25519'
  /** SubjectPublicKeyInfo in DER, as base64. */
  readonly publicKey: string
  /** Base64. */
  readonly value: string
}

/** Lines that end with a line feed, so that other programs can check the signature, too. */
export function statementOf({ jsonSha256, fileSha256, jsonBytes }: Digests): string {
  return `${sealFormat}\njson sha256 ${jsonSha256} ${jsonBytes} bytes\nfile sha256 ${fileSha256}\n`
}

export function sealText(digests: Digests, key: KeyObject | null): string {
  const signature = key && {
    algorithm: 'ed25519' as const,
    publicKey: publicKeyText(createPublicKey(key)),
    value: sign(null, Buffer.from(statementOf(digests)), key).toString('base64'),
  }
  return canonicalJson({ format: sealFormat, ...digests, signature } satisfies Seal)
}

function publicKeyText(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64')
}

/** sha256 of the public key: the name under which people compare keys. */
export function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex')
}

/** Whether the signature is one of this statement by its own key, in the one form that it has. */
export function isSigned(digests: Digests, { publicKey, value }: Signature): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.from(publicKey, 'base64'),
      format: 'der',
      type: 'spki',
    })
    const signature = Buffer.from(value, 'base64')
    if (key.asymmetricKeyType !== 'ed25519' || publicKeyText(key) !== publicKey) return false
    if (signature.toString('base64') !== value) return false
    return verify(null, Buffer.from(statementOf(digests)), key, signature)
  } catch {
    return false
  }
}

/** From a PEM (PKCS#8), or the path of a file with one. Throws USAGE, which does not quote it. */
export function signingKeyOf(setting: string | undefined): KeyObject | null {
  if (!setting) return null
  try {
    const key = createPrivateKey(pemOf(setting))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // OpenSSL's message on a broken key helps little, and a path may be half a key.
  }
  const message =
    'REHOME_SIGNING_KEY holds no Ed25519 private key (PEM, PKCS#8, without passphrase) and is no path of one: `openssl genpkey -algorithm ed25519` makes one'
  throw new RehomeError('USAGE', message)
}

/** From a PEM, or the path of a file with one. Returns it as in a seal. Throws USAGE. */
export function publicKeyOf(setting: string): string {
  try {
    const key = createPublicKey(pemOf(setting))
    if (key.asymmetricKeyType === 'ed25519') return publicKeyText(key)
  } catch {
    // As above.
  }
  const message =
    '--key holds no Ed25519 public key (PEM): `openssl pkey -in KEY.pem -pubout` makes one'
  throw new RehomeError('USAGE', message)
}

/** Line feeds may be written as `\n`, as in files of settings. */
function pemOf(setting: string): string {
  const isPem = setting.includes('-----BEGIN ')
  return isPem ? setting.replaceAll('\\n', '\n') : readFileSync(setting, 'utf8')
}

/** null: without a key. */
export function publicKeyIdOf(key: KeyObject | null): string | null {
  return key && keyIdOf(publicKeyText(createPublicKey(key)))
}
