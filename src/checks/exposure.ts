/**
 * Privileges of other roles at an end, with the SQL that revokes them: advice, no hindrance. Pure.
 */
import { twoKeyLocks } from '../ends/postgres/fence/two-key-locks.ts'
import type { Catalog, Finding } from '../plan/catalogs/catalog.ts'
import { ident } from '../quote.ts'

export function exposureFindings(ends: {
  readonly source: Catalog
  readonly target: Catalog
}): Finding[] {
  return (['source', 'target'] as const).flatMap((where) => {
    const { exposure, schema } = ends[where]
    if (!exposure) return []
    const messages = exposure.creators.map((role) => creatorAdvice(schema, role))
    if (exposure.anybodyLocks) messages.push(lockAdvice)
    return messages.map((message) => ({ where, message }))
  })
}

/** Our own calls name their schema, but the application's and the plan's may not. */
function creatorAdvice(schema: string, role: string): string {
  const whose = role === 'public' ? 'everybody' : `role ${role}`
  const risk = "functions planted there may run in the application's and the plan's own SQL"
  const revoke = `revoke create on schema ${ident(schema)} from ${role}`
  return `${whose} may create in schema ${ident(schema)}, and ${risk}: \`${revoke}\``
}

const lockAdvice =
  'everybody who may connect can take the locks of the guards, and stop all writes: ' +
  `\`revoke execute on function ${twoKeyLocks[0]}, … from public\`, see docs/operations.md`
