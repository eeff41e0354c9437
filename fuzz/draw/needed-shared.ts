/** Shared rows that the tenant may have needed at some time: a move may bring no other ones. */
import type { Case, Write } from '../cases/case.ts'
import { tableOfWrite } from '../cases/case-sql.ts'

/** Their marks. */
export function neededShared(kase: Case): ReadonlySet<string> {
  const { tables, constraints, rows } = kase
  const needed = new Set<string>()
  for (let before = -1; before !== needed.size; ) {
    before = needed.size
    for (const { table: child, parent, columns } of constraints) {
      const to = tables.find(({ name, brought }) => name === parent && brought)
      const [column = ''] = columns
      if (!to) continue
      const referring = rows.filter(({ table, owner, mark }) => {
        return table === child && (owner === 'a' || needed.has(mark))
      })
      const values = new Set([
        ...referring.map((row) => row.values[column]),
        ...writesOf(kase, child).map((set) => set[column]),
      ])
      const found = rows.filter((row) => {
        return row.table === parent && values.has(row.values[to.key[0] ?? ''])
      })
      for (const { mark } of found) needed.add(mark)
    }
  }
  return needed
}

type Values = Readonly<Record<string, string>>

function writesOf({ story }: Case, table: string): Values[] {
  const writes = story.steps.flatMap((step) => step.writes.flatMap((one) => one.writes))
  return writes.filter((write) => tableOfWrite(write) === table).flatMap(valuesIn)
}

export function valuesIn(write: Write): readonly Values[] {
  if (write.kind === 'copy') return write.rows.map(({ values }) => values)
  if (write.kind === 'insert') return [write.row.values]
  return 'set' in write ? [write.set] : []
}
