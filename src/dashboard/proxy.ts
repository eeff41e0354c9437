/**
 * A trusted proxy in front of the board signs people in, for example by OpenID Connect, and names
 * the person and their groups in two headers. Here these become a name and a role.
 *
 * Invariant: the headers count only if the request comes from a stated address and shows the shared
 * secret where there is one. Otherwise a request that has one of them is refused, whatever else it
 * shows: a header that a stranger has made up neither gives a role nor takes one away.
 */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { RehomeError } from '../errors.ts'
import { type Role, roles, same } from './sessions.ts'

export interface ProxyOptions {
  /** Addresses of the proxy, or networks such as `10.1.0.0/24`. */
  readonly from: readonly string[]
  /** Sent by the proxy in `x-rehome-proxy-secret`. Needed if it is on this machine. */
  readonly secret?: string | undefined
  /** Default `x-forwarded-user`. */
  readonly userHeader?: string | undefined
  /** Default `x-forwarded-groups`; groups are separated by commas. */
  readonly groupsHeader?: string | undefined
  /** Groups that have a role; `*` is everybody. Default: the group with the name of the role. */
  readonly roles?: Readonly<Partial<Record<Role, readonly string[]>>> | undefined
}

/** null: the request names no person. */
export type Identity =
  | { readonly user: string; readonly role: Role }
  | { readonly refusal: string }
  | null

export interface TrustedProxy {
  identify(request: Pick<IncomingMessage, 'headersDistinct' | 'socket'>): Identity
}

const secretHeader = 'x-rehome-proxy-secret'

const secretBytesMin = 16
const userMax = 100

/** Throws USAGE where it would trust somebody who is not meant. */
export function createProxy(options: ProxyOptions): TrustedProxy {
  const { from, secret } = options
  const trusted = listOf(from)
  const names = headerNames(options)
  refuseWeakSecret(secret)
  if (!secret && isOpenToOthers(from, trusted)) {
    const message = 'this machine is a trusted proxy of the board, so each of its users could name'
    const mend = 'set REHOME_BOARD_PROXY_SECRET to what the proxy alone knows'
    throw new RehomeError('USAGE', `${message} an operator: ${mend}`)
  }
  return {
    identify({ headersDistinct: headers, socket }) {
      const [first] = Object.values(names).filter((name) => headers[name] !== undefined)
      if (first === undefined) return null
      const address = addressOf(socket.remoteAddress)
      if (!isIn(trusted, address)) {
        return { refusal: `header "${first}" came from ${address}, which is no trusted proxy` }
      }
      if (secret && !same(headers[secretHeader]?.join(), secret)) {
        return { refusal: `the proxy has not shown its secret in the header "${secretHeader}"` }
      }
      return readIdentity(headers, { ...names, roles: options.roles ?? ownNames })
    },
  }
}

const ownNames: NonNullable<ProxyOptions['roles']> = {
  operator: ['operator'],
  approver: ['approver'],
  viewer: ['viewer'],
}

/** Reads `operator=dba,approver=leads,viewer=*`. Throws USAGE. */
export function readRoles(text: string): NonNullable<ProxyOptions['roles']> {
  const groups: Partial<Record<Role, string[]>> = {}
  for (const part of listFrom(text)) {
    const [name = '', ...rest] = part.split('=')
    const role = roles.find((one) => one === name.trim())
    const group = rest.join('=').trim()
    if (role === undefined || group === '') {
      const message = `"${part}" gives no group a role: write ROLE=GROUP, with one of`
      throw new RehomeError('USAGE', `${message} ${roles.join(', ')}`)
    }
    groups[role] = [...(groups[role] ?? []), group]
  }
  return groups
}

/** Parts of a list that is separated by commas. */
export function listFrom(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}

function listOf(from: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of from) {
    const [address = '', bits, ...more] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const bitsMax = family === 'ipv6' ? 128 : 32
    const prefix = bits === undefined ? bitsMax : /^\d+$/.test(bits) ? Number(bits) : 0
    if (isIP(address) === 0 || prefix < 1 || prefix > bitsMax || more.length > 0) {
      const message = `"${entry}" is no address or network of a trusted proxy`
      throw new RehomeError('USAGE', `${message}: write 10.1.0.5, or 10.1.0.0/24`)
    }
    list.addSubnet(address, prefix, family)
  }
  return list
}

function isIn(list: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** From each loopback address every process of this machine can send. */
function isOpenToOthers(from: readonly string[], trusted: BlockList): boolean {
  const local = listOf(['127.0.0.0/8', '::1'])
  const isLocal = from.some((entry) => isIn(local, entry.replace(/\/.*/, '')))
  return isLocal || ['127.0.0.1', '::1'].some((address) => isIn(trusted, address))
}

/** An IPv4 address as itself where the board listens on both kinds. */
function addressOf(remote: string | undefined): string {
  const address = (remote ?? 'nowhere').replace(/%.*$/, '')
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}

interface Names {
  readonly user: string
  readonly groups: string
  readonly secret: string
}

function headerNames({ userHeader, groupsHeader }: ProxyOptions): Names {
  const user = (userHeader ?? 'x-forwarded-user').toLowerCase()
  const groups = (groupsHeader ?? 'x-forwarded-groups').toLowerCase()
  for (const name of [user, groups]) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) continue
    throw new RehomeError('USAGE', `"${name}" is no name of a header`)
  }
  if (new Set([user, groups, secretHeader]).size < 3) {
    throw new RehomeError('USAGE', `the headers of user, groups and secret need three names`)
  }
  return { user, groups, secret: secretHeader }
}

function refuseWeakSecret(secret: string | undefined): void {
  if (!secret || Buffer.byteLength(secret) >= secretBytesMin) return
  const message = `the secret of the proxy has at least ${secretBytesMin} characters`
  throw new RehomeError('USAGE', `${message}: make one with \`openssl rand -hex 24\``)
}

type Headers = IncomingMessage['headersDistinct']

function readIdentity(
  headers: Headers,
  names: Names & { readonly roles: NonNullable<ProxyOptions['roles']> },
): Identity {
  // A proxy that adds its header to one that the browser has sent would let people choose.
  const twice = [names.user, names.groups].find((name) => (headers[name]?.length ?? 0) > 1)
  if (twice !== undefined) {
    return { refusal: `header "${twice}" was sent twice: the proxy has to replace it` }
  }
  const user = textOf(headers[names.user]?.[0])
  const groups = textOf(headers[names.groups]?.[0])
  if (user === '' && groups === '') return null
  if (user === '') return { refusal: `header "${names.user}" names no person` }
  if (user.length > userMax) return { refusal: `the name is longer than ${userMax} characters` }
  if (headers.authorization?.some((value) => /^bearer /i.test(value))) {
    return { refusal: 'the proxy names a person, and there is a token: send one of them' }
  }
  const own = listFrom(groups)
  const role = roles.find((one) =>
    names.roles[one]?.some((group) => group === '*' || own.includes(group)),
  )
  return role ? { user, role } : { refusal: `"${user}" is in no group that has a role here` }
}

/** Node.js reads headers as Latin-1; proxies send names in UTF-8. */
function textOf(header: string | undefined): string {
  const bytes = Buffer.from(header ?? '', 'latin1')
  const utf8 = bytes.toString('utf8')
  const text = utf8.includes('\ufffd') ? (header ?? '') : utf8
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
