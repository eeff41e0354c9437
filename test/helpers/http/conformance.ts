// Ends that the conformance suite examines: our own server half, as it is or with one rule broken.
import { baseUrlOf } from '../../../conformance/options.ts'
import { examine, type Finding } from '../../../conformance/run.ts'
import { createHttpEnd, type HttpEndOptions, nodeHandler } from '../../../src/http-end/entry.ts'
import { secret, serve, smallTables } from '../http-end.ts'
import { createWorld, type World } from '../world.ts'
import type { Breach } from './broken-ends.ts'

export interface Looking {
  readonly hmac?: boolean
  readonly breach?: Breach
  readonly scratch?: string
  /** Points, or groups of them; with what they need. Default: every point. */
  readonly only?: readonly string[]
  /** Default: those of the small world. */
  readonly tables?: HttpEndOptions['tables']
}

/** Two tenants, of whom the suite is to read one. */
export async function inhabited(): Promise<World> {
  const world = await createWorld()
  await world.addTenant('acme', 12)
  await world.addTenant("o'neil; --", 3)
  return world
}

export async function look(
  world: World,
  { hmac, breach, scratch = 'nobody', only = [], tables = smallTables }: Looking = {},
): Promise<Finding[]> {
  const { pool } = world.source
  const auth = hmac ? { hmac: secret } : { bearer: secret }
  const end = createHttpEnd({ pool, tables, auth })
  await end.install()
  const broken = breach ? { handle: breach({ handle: end.handle, pool }) } : end
  await using served = await serve(nodeHandler(broken))
  const baseUrl = baseUrlOf(served.url)
  const known = hmac
    ? ({ kind: 'hmac', key: secret } as const)
    : ({ kind: 'bearer', token: secret } as const)
  const chosen = { baseUrl, secret: known, scope: 'default', tenant: 'acme', scratch }
  return await examine({ ...chosen, only })
}

export function failed(findings: readonly Finding[]): string[] {
  return findings.filter(({ outcome }) => outcome === 'FAILED').map(({ point }) => point)
}

const everything = `select
  (select json_agg(t order by t.id) from tenants t) as tenants,
  (select json_agg(n order by n.id) from notes n) as notes,
  (select json_agg(l order by l.note_id, l.line) from note_lines l) as lines,
  (select json_agg(v order by v.tenant_id, v.day) from visits v) as visits,
  (select json_agg(f) from rehome.tenant_flags f) as flags,
  (select json_agg(p) from rehome.copy_progress p) as progress,
  (select last_value from notes_id_seq) as sequence`

/** All that an examination has to leave as it was. */
export async function everythingAt({ source }: World): Promise<unknown> {
  return (await source.pool.query(everything)).rows
}
