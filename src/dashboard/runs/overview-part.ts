/** The part of a run's page that is in numbers. The server sends it anew when a number changes. */
import type { RunOverview } from '../../control/runs/run-overview.ts'
import { pauseBoundsMs } from '../../control/runs/run-overview.ts'
import { type Content, type Html, html, shorten } from '../../html.ts'
import { recordOf } from '../../known.ts'
import { number, span, time } from '../../numbers.ts'
import { fact } from '../page.ts'
import { tenantPath } from '../tenant-path.ts'
import { adviceFor } from './advice.ts'
import { type State, stateOf, states } from './cells.ts'
import { runPath } from './run-query.ts'

export function overviewPart(runId: string, overview: RunOverview): Html {
  return html`<div id="overview">
${totals(runId, overview)}
<div class="columns">
${pauseSection(runId, overview)}
${failureSection(runId, overview)}
</div>
</div>`
}

const names: Record<State, string> = {
  waiting: 'waiting',
  working: 'on their way',
  moved: 'moved',
  failed: 'failed',
  'gone-back': 'rolled back',
  settled: 'cleaned up or rehearsed',
}

/** The filter that shows these tenants; null: several phases. */
const filters: Record<State, string | null> = {
  waiting: 'waiting',
  working: 'working',
  moved: 'moved',
  failed: 'failed',
  'gone-back': 'rolled_back',
  settled: null,
}

function totals(runId: string, overview: RunOverview): Html {
  const counts = countsOf(overview)
  const { estimate, remaining, tenants, at } = overview
  const done = tenants - remaining
  const legend = states
    .filter((state) => counts[state] > 0)
    .map((state) => {
      const filter = filters[state]
      const text = html`<b>${number(counts[state])}</b> ${names[state]}`
      const link =
        filter === null ? text : html`<a href="${runPath(runId, { phase: filter })}">${text}</a>`
      return html`<li><span class="swatch ${state}"></span>${link}</li>`
    })
  return html`<section aria-label="Progress">
<ul class="legend">
${legend}
</ul>
${bar(counts, tenants)}
<dl>
${fact('Tenants done', `${number(done)} of ${number(tenants)} (${percent(done, tenants)})`)}
${fact('Time left', timeLeft(overview))}
${fact('Rate', rateOf(overview))}
${fact('Rows copied', number(overview.rowsCopied))}
${fact('Rows/s', estimate.rowsPerSecond === null ? '–' : number(Math.round(estimate.rowsPerSecond)))}
${remaining === 0 && overview.lastEndedAt ? fact('Ended', time(overview.lastEndedAt)) : null}
${fact('As of', time(at))}
</dl>
</section>`
}

function timeLeft({ remaining, estimate: { left } }: RunOverview): string {
  if (remaining === 0) return 'none'
  if (left === null) return 'not known yet: too few have ended'
  const upTo = left.toMs === null ? 'no upper bound' : span(left.toMs)
  return `about ${span(left.ms)} (${span(left.fromMs)} to ${upTo})`
}

function rateOf({ estimate: { tenantsPerMinute } }: RunOverview): string {
  if (tenantsPerMinute === null) return '–'
  return `${tenantsPerMinute.toPrecision(2)} tenants/min`
}

function countsOf({ phases }: RunOverview): Record<State, number> {
  const counts = recordOf(states, () => 0)
  for (const count of phases) counts[stateOf(count)] += count.tenants
  return counts
}

/** SVG, because a style attribute is refused by the page's policy. */
function bar(counts: Readonly<Record<State, number>>, tenants: number): Html {
  const order = ['moved', 'settled', 'gone-back', 'failed', 'working', 'waiting'] as const
  let x = 0
  const parts = order.map((state) => {
    const width = tenants === 0 ? 0 : (counts[state] / tenants) * 1000
    const part = html`<rect class="${state}" x="${x}" y="0" width="${width}" height="10"></rect>`
    x += width
    return part
  })
  return html`<div class="bar" aria-hidden="true">
<svg viewBox="0 0 1000 10" preserveAspectRatio="none">${parts}</svg></div>`
}

function pauseSection(runId: string, { pauses }: RunOverview): Html {
  const most = Math.max(1, ...pauses.buckets)
  const rows = pauses.buckets.map((count, i) => {
    const bound = pauseBoundsMs[i]
    const name = bound === undefined ? `${span(pauseBoundsMs.at(-1))} or more` : `< ${span(bound)}`
    return html`<tr><td>${name}</td><td class="number">${number(count)}</td>
<td><meter value="${count}" max="${most}" aria-label="${name}"></meter></td></tr>`
  })
  if (pauses.tenants === 0) {
    return html`<section><h2>Pauses of writes</h2><p class="dim">No tenant has paused yet.</p></section>`
  }
  return html`<section><h2>Pauses of writes</h2>
<p>median <b>${span(pauses.medianMs)}</b>, 99th percentile <b>${span(pauses.p99Ms)}</b>, slowest
<b>${span(pauses.slowestMs)}</b>: ${tenantLink(runId, pauses.slowestTenant)}</p>
<table><tr><th>pause</th><th class="number">tenants</th><th></th></tr>
${rows}
</table></section>`
}

function failureSection(runId: string, { failures }: RunOverview): Html {
  if (failures.length === 0) {
    return html`<section><h2>Failures</h2><p class="dim">No tenant has an error.</p></section>`
  }
  const items = failures.map(({ code, tenants, waiting, example }) => {
    const again = waiting > 0 ? `, ${number(waiting)} of them tried again by itself` : ''
    const advice = adviceFor(code)
    return html`<details open><summary><b class="bad">${code}</b> · ${number(tenants)}
${tenants === 1 ? 'tenant' : 'tenants'}${again}</summary>
<p><a href="${runPath(runId, { code })}">show them</a>, for example ${tenantLink(runId, example)}</p>
${advice === null ? null : html`<p class="dim">${advice}</p>`}
</details>`
  })
  return html`<section><h2>Failures</h2>
${items}
</section>`
}

function tenantLink(runId: string, tenant: string | null): Content {
  if (tenant === null) return null
  return html`<a href="${tenantPath(runId, tenant)}">${shorten(tenant, 60)}</a>`
}

function percent(part: number, all: number): string {
  return all === 0 ? '–' : `${Math.floor((part / all) * 100)} %`
}
