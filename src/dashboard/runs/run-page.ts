/** The pages of runs: the list of them, and one run with all its tenants. */
import type { Run } from '../../control/database.ts'
import type { RunSummary } from '../../control/runs/runs.ts'
import { type Html, html } from '../../html.ts'
import { number, time } from '../../numbers.ts'
import { navigation, page } from '../page.ts'
import { overviewPart } from './overview-part.ts'
import { runPath } from './run-query.ts'
import { type TenantsPart, tenantsPart } from './tenants-part.ts'

export interface RunPage extends TenantsPart {
  readonly run: Run
  /** The part with what holds it back, and what a person may decide. */
  readonly steering: Html | null
}

export function runPage({ run, steering, ...part }: RunPage): string {
  const { overview } = part
  const path = runPath(run.id)
  const isOpen = overview.remaining > 0
  const body = html`${navigation(html`<a class="end" href="${path}/report" download>Report</a>
<a href="${path}.json">JSON</a>`)}
<main id="run" data-cells="${path}/cells" data-live="${path}/live" data-open="${path}/tenant">
<header>
<h1>${run.id}</h1>
<p class="dim">plan ${run.plan_name} by ${run.created_by}, ${time(run.created_at)} ·
${run.source} → ${run.target}${stateOf(run)} · <span id="live"></span></p>
</header>
${overviewPart(run.id, overview)}
<div id="steering">${steering}</div>
<section><h2>Every tenant</h2>
<canvas id="grid" width="0" height="0" tabindex="0" role="application" aria-label="Tenants of this run"
aria-describedby="cell" hidden></canvas>
<p id="cell" aria-live="polite" class="dim">One cell is one tenant, in the order of their ids. Point at
one, or move with the arrow keys and open it with Enter.</p>
<noscript><p>The grid needs JavaScript. The table below has the same tenants.</p></noscript></section>
${tenantsPart(part)}
</main>`
  return page({
    title: `${run.id} · rehome`,
    body,
    scripts: ['run.js'],
    // Not sooner: it empties a search that somebody types.
    elseAfterS: isOpen ? 30 : undefined,
  })
}

function stateOf({ rehearsal, paused, wave, wave_count: waves }: Run): Html {
  const parts = [
    ...(rehearsal ? [html` · rehearsal`] : []),
    ...(waves > 1 ? [html` · wave ${wave} of ${waves}`] : []),
    ...(paused === null ? [] : [html` · <b class="back">paused</b>`]),
  ]
  return html`${parts}`
}

export function runsPage(runs: readonly RunSummary[], older: string | null): string {
  const rows = runs.map(runRow)
  const table = html`<table>
<tr><th>run</th><th>plan</th><th>enqueued</th><th>by</th><th class="number">tenants</th>
<th class="number">open</th><th>phases</th></tr>
${rows}
</table>`
  const none = html`<p>There is no run yet: <code>rehome enqueue PLAN</code> makes one.</p>`
  const body = html`${navigation(html`<a class="end" href="/runs.json">JSON</a>`)}
<main id="run"><h1>Runs</h1>
<section>${runs.length === 0 ? none : table}
${older === null ? null : html`<p><a href="/runs?before=${older}">older runs</a></p>`}</section></main>`
  return page({ title: 'Runs · rehome', body })
}

function runRow(run: RunSummary): Html {
  const phases = Object.entries(run.phases).map(([phase, count]) => `${number(count)} ${phase}`)
  return html`<tr><td class="id"><a href="${runPath(run.id)}">${run.id}</a></td>
<td>${run.plan_name}${run.rehearsal ? ' (rehearsal)' : ''}</td><td>${time(run.created_at)}</td>
<td>${run.created_by}</td><td class="number">${number(run.moves)}</td>
<td class="number">${number(run.open)}</td><td>${phases.join(', ')}</td></tr>`
}
