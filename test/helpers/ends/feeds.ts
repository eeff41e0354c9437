// The feed of an end of either kind that offers one.
import type { Feed } from '../../../src/ends/feed.ts'
import type { TestEnd } from './kinds.ts'
import { type At, endTable, keyOf, scope, type TableName } from './tenant-rows.ts'

const names: readonly TableName[] = ['entries', 'marks', 'lines', 'visits', 'bills']

export function feedOf({ end }: TestEnd, at: At): Feed {
  if (!end.feed) throw new Error('an existing API has no feed')
  const tables = names.map((name) => ({ ...endTable(at, name), key: keyOf(name) }))
  return end.feed({ scope, tables, catalog: at.catalog })
}
