/** Guards that stand only while tenants move, kept for as long as a person wants. */
import type { GuardedAt } from '../../checks/survey.ts'
import { guardsAreKept, keepGuards, keepingText } from '../../ends/postgres/fence/passing-guards.ts'
import { fenceIsInstalled } from '../../ends/postgres/fence/uninstall.ts'
import { oneByOne } from '../../parallel.ts'
import { qualified } from '../../quote.ts'

/** Steps that keep workers from taking the guards away, before there are any. */
export async function keepsOf(guarded: readonly GuardedAt[]) {
  const ends = new Map<string, GuardedAt[]>()
  for (const one of guarded) {
    ends.set(one.end.address, [...(ends.get(one.end.address) ?? []), one])
  }
  const kept = await oneByOne([...ends.values()], async (all) => {
    const end = all[0]?.end
    if (!end) return []
    const tables = all.map(({ scope, schema, table }) => {
      return { scope, relation: qualified(schema, table.name) }
    })
    const isKept = (await fenceIsInstalled(end)) && (await guardsAreKept(end.pool, tables))
    const what = `the guards of the ${end.name}, kept until \`rehome uninstall PLAN --guards\``
    const run = () => keepGuards(end.pool, tables)
    return isKept ? [] : [{ what, sql: `${keepingText};`, run, isFirst: true }]
  })
  return kept.flat()
}
