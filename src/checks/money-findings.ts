/** Columns of `money` whose amounts would be others at the other end. Pure. */
import type { Finding } from '../plan/catalogs/catalog.ts'
import { consistsOf } from '../plan/catalogs/type-shape.ts'
import type { Checked } from './check.ts'

/** A value is a number without a point: where that stands is for `lc_monetary` to decide. */
export function moneyFindings({ routing: { routes }, source, target }: Checked): Finding[] {
  const [here, there] = [source.moneyDigits, target.moneyDigits]
  if (here === undefined || there === undefined || here === there) return []
  return routes.flatMap((route) =>
    route.source.columns.flatMap(({ name, shape }) => {
      const isKept = route.columns.some(({ from }) => from === name)
      if (!isKept || !shape || !consistsOf(shape, 'money')) return []
      const message = `column "${name}" is of type money, whose values have ${here} digits after the point at the source and ${there} at the target: set \`lc_monetary\` alike, or use \`columns.compute\` with sql\`r."${name}"::numeric\` for a numeric column`
      return [{ where: `table "${route.source.name}"`, message }]
    }),
  )
}
