/**
 * The one place where a request's path becomes a URL. Pure.
 *
 * Rule: a path leads where it is written, below the base URL, for every reader on the way. URLs
 * drop `.` and `..`, also percent-encoded, take a backslash for a slash, and leave out tabs and
 * line feeds; servers and proxies decode once more. Such a path may name another tenant, or another
 * operation.
 */
import { RehomeError } from '../../errors.ts'

/** Throws PLAN_INVALID. `where`: the end, for the message. */
export function urlBelow(base: URL, path: string, where: string): URL {
  const refuse = (what: string) => {
    const advice = 'put ids through encodeURIComponent, and no "." or ".." between slashes'
    const message = `${where}: the path ${shown(path)} of a request ${what}: ${advice}`
    return new RehomeError('PLAN_INVALID', message)
  }
  const [plain = ''] = path.split('?', 1)
  if (controls.test(path)) throw refuse('has a control character')
  if (path.includes('\\')) throw refuse('has a backslash')
  if (path.includes('#')) throw refuse('has a "#", and the text behind it would not be sent')
  const decoded = decodedFully(plain)
  if (decoded === null) throw refuse('has a percent sign that encodes nothing')
  if (controls.test(decoded)) throw refuse('has an encoded control character')
  const parts = decoded.split(/[/\\]/)
  if (parts.some((part) => part === '.' || part === '..')) throw refuse('has a dot segment')
  if (plain.split('/').slice(0, -1).includes('')) throw refuse('has an empty segment')
  // What looks like a scheme is a segment here.
  const url = new URL(`./${path}`, base)
  const below = url.origin === base.origin && url.pathname.startsWith(base.pathname)
  if (!below) throw refuse(`leads elsewhere, to ${url.origin}`)
  return url
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
const decodingsMax = 4

/** The path after repeated decoding. null: it cannot be decoded even once. */
function decodedFully(text: string): string | null {
  let decoded = text
  for (let times = 0; times < decodingsMax; times += 1) {
    const next = decodedOnce(decoded)
    if (next === null) return times === 0 ? null : decoded
    if (next === decoded) return decoded
    decoded = next
  }
  return decoded
}

/** null: it cannot be decoded. */
export function decodedOnce(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

function shown(path: string): string {
  return JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path)
}
