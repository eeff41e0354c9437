/** From home to home, as the flags of a tenant tell, until one of them is where it lives. */
import { RehomeError } from '../errors.ts'
import type { KnownHomes } from './databases.ts'
import type { Fence } from './fence.ts'
import { type FlagPool, lookAt, openHome, wholeApplication } from './flags.ts'
import { homeAt, type KnownHome } from './home.ts'

export interface Known<Db> {
  readonly home: KnownHome<Db>
  /** The fence that refuses the tenant's writes there; null: none. */
  readonly fence: Fence | null
}

/**
 * A home that has given the tenant away tells the key of the next one. Should that be closed still,
 * it is opened: the worker that moved the tenant may be dead. Throws SETTING_MISSING where none of
 * the homes is at the place that a flag tells.
 */
export async function follow<Db>(
  homes: KnownHomes<Db>,
  tenant: string,
  from: KnownHome<Db>,
): Promise<Known<Db>> {
  let home = from
  let key: string | null = null
  for (let hops = 0; hops <= 2 * homes.size + 2; hops += 1) {
    const { pool, scope } = home
    if (!pool) return { home, fence: null }
    const fences = await lookAt(pool, { scope, tenants: [tenant] })
    const own = fences.find((fence) => fence.tenant === tenant)
    const whole = fences.find((fence) => fence.tenant === wholeApplication)
    if (own?.mode === 'moved') {
      key = own.key
      home = homeAt(homes, own, home)
    } else if (own?.mode === 'receiving' && key === null && own.movedTo !== null) {
      // It may come back to here, and lives at the other home until it does.
      home = homeAt(homes, own, home)
    } else if (
      own?.mode !== 'receiving' ||
      key === null ||
      !(await opens(pool, { scope, tenant, key }))
    ) {
      return { home, fence: whole ?? own ?? null }
    }
  }
  const message = `tenant ${JSON.stringify(tenant)} is sent from home to home: its flags lead nowhere`
  throw new RehomeError('UNEXPECTED', message)
}

/** A replica, for example, cannot open anything. */
async function opens(
  pool: FlagPool,
  opened: { readonly scope: string; readonly tenant: string; readonly key: string },
): Promise<boolean> {
  return await openHome(pool, opened).catch(() => false)
}
