/** Keys that the last comparison has named, and the page that shows their rows side by side. */
import type { InspectedColumn, InspectedRow } from '../../comparison/inspection/pair-rows.ts'
import { namedDifferences } from '../../comparison/named-differences.ts'
import { type Html, html, shorten } from '../../html.ts'
import type { Inspect, TenantRecord } from '../library.ts'
import { navigation, page } from '../page.ts'
import { runPath } from '../runs/run-query.ts'
import { inspectPath, tenantPath } from '../tenant-path.ts'

interface Differences {
  readonly record: TenantRecord
  readonly mayInspect: boolean
}

export function differencesSection({ record, mayInspect }: Differences): Html | null {
  const { run, move } = record
  const differences = namedDifferences(move.error_data)
  const look = (of: Record<string, string>, text: string) =>
    html`<a href="${inspectPath(run.id, move.tenant_id, of)}">${text}</a>`
  if (differences.length === 0) {
    return mayInspect ? html`<section><p>${look({}, 'Rows side by side')}</p></section>` : null
  }
  const rows = differences.flatMap(({ table, keys }) =>
    keys.map(
      ({ key, is }) => html`<tr><td>${table}</td>
<td>${mayInspect ? look({ table, key }, key) : key}</td><td>${is}</td></tr>`,
    ),
  )
  return html`<section><h2>Rows that differ</h2><table>
<tr><th>table</th><th>key</th><th>is</th></tr>
${rows}
</table></section>`
}

export function inspectPage(
  { run, move }: TenantRecord,
  { notes, tables }: Awaited<ReturnType<Inspect>>,
): string {
  const name = shorten(move.tenant_id, 60)
  const sections = tables.map(
    ({ table, from, rows, notes: own }) => html`<section>
<h2>${from === table ? table : `${from} → ${table}`}</h2>
${own.map((note) => html`<p class="dim">${note}</p>`)}
${rows.length === 0 ? html`<p>No rows.</p>` : rows.map(rowTable)}
</section>`,
  )
  const body = html`${navigation(html`<a href="${runPath(run.id)}">Run</a>
<a href="${tenantPath(run.id, move.tenant_id)}">Tenant</a>`)}
<main>
<h1>Rows of ${shorten(move.tenant_id, 200)}</h1>
<p class="dim">run ${run.id} · now ${move.phase} · read just now, and not at one instant</p>
${notes.map((note) => html`<p>${note}</p>`)}
${sections}
</main>`
  return page({ title: `Rows of ${name} · rehome`, body })
}

function rowTable({ key, is, columns, note }: InspectedRow): Html {
  const mood = is === 'equal' || is === 'left out' ? 'good' : 'bad'
  return html`<h3>${key} <span class="${mood}">${is}</span></h3>
${note === null ? null : html`<p>${note}</p>`}
<table>
<tr><th>column</th><th>source</th><th>expected</th><th>target</th><th>differs</th></tr>
${columns.map(columnRow)}
</table>`
}

function columnRow({ column, from, source, expected, target, differs }: InspectedColumn): Html {
  const name = from === null || from === column ? column : `${from} → ${column}`
  const cells = [source, expected, target].map(
    (cell) => html`<td class="message">${shown(cell)}</td>`,
  )
  return html`<tr><td>${name}</td>${cells}
<td>${differs ? html`<b class="bad">differs</b>` : null}</td></tr>`
}

function shown(cell: string | null | undefined): Html {
  if (cell === undefined) return html`<span class="dim">–</span>`
  return cell === null ? html`<span class="dim">NULL</span>` : html`${cell}`
}
