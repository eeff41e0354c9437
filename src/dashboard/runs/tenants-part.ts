/** The tenants of a run as a table: filter, search, sort, pages. Works without JavaScript. */

import type { RunOverview } from '../../control/runs/run-overview.ts'
import type {
  TenantLine,
  TenantPage,
  TenantQuery,
  TenantSort,
} from '../../control/runs/run-tenants.ts'
import { type Html, html, shorten } from '../../html.ts'
import { number, span, time } from '../../numbers.ts'
import { chosenErrands, chosenPath, chosenTitles, encoded } from '../chosen/chosen-page.ts'
import { tenantPath } from '../tenant-path.ts'
import { percentOf, stateOf, wordsOf } from './cells.ts'
import { runPath } from './run-query.ts'

export interface TenantsPart {
  readonly runId: string
  readonly overview: RunOverview
  readonly query: TenantQuery
  readonly found: TenantPage
  /** Tenants may be chosen, to ask for something for all of them. */
  readonly mayChoose: boolean
}

export function tenantsPart({ runId, overview, query, found, mayChoose }: TenantsPart): Html {
  const rows = found.tenants.map((line) => rowOf(runId, line, mayChoose ? tickFor(line) : null))
  const table = html`<table>
<tr>${mayChoose ? html`<th><span class="unseen">chosen</span></th>` : null}${heads.map((head) => headOf(runId, query, head))}<th>error</th></tr>
${rows}
</table>
${pages(runId, query, found)}`
  return html`<section id="tenants"><h2>Tenants</h2>
${filterForm(runId, query, overview)}
${mayChoose ? chooseForm(runId, query) : null}
<div id="found">
<p class="dim">${number(found.total)} ${found.total === 1 ? 'tenant' : 'tenants'}</p>
${found.total === 0 ? html`<p>No tenant of this run is like that.</p>` : table}
</div></section>`
}

interface Head {
  readonly name: string
  readonly sort?: TenantSort
  readonly isNumber?: true
}

const heads: readonly Head[] = [
  { name: 'tenant', sort: 'tenant' },
  { name: 'phase' },
  { name: 'rows', sort: 'rows', isNumber: true },
  { name: 'pause', sort: 'pause', isNumber: true },
  { name: 'attempt', sort: 'attempt', isNumber: true },
  { name: 'last change', sort: 'changed' },
]

function headOf(runId: string, query: TenantQuery, { name, sort, isNumber }: Head): Html {
  const kind = isNumber ? html` class="number"` : null
  if (!sort) return html`<th${kind}>${name}</th>`
  if (sort === (query.sort ?? 'tenant')) {
    const order = sort === 'tenant' ? 'ascending' : 'descending'
    return html`<th${kind} aria-sort="${order}"><b>${name}</b></th>`
  }
  const to = runPath(runId, { ...query, sort, page: 0 })
  return html`<th${kind}><a href="${to}" title="sort by ${name}">${name}</a></th>`
}

/** Belongs to a form that stands apart, so that the table can come anew while one writes there. */
function tickFor({ tenant_id: tenant }: TenantLine): Html {
  return html`<td><input type="checkbox" name="tenants" form="chosen" value="${encoded(tenant)}"
aria-label="choose ${shorten(tenant, 80)}"></td>`
}

function chooseForm(runId: string, { search = '', phase = '', code = '' }: TenantQuery): Html {
  const filter = Object.entries({ q: search, phase, code }).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
  const errands = chosenErrands.map(
    (errand) => html`<option value="${errand}">${chosenTitles[errand]}</option>`,
  )
  return html`<form id="chosen" class="row" method="post" action="${chosenPath(runId)}">
${filter}
<label>With tenants <select name="errand">${errands}</select></label>
<button>The ticked ones: what does it cost?</button>
<button name="matching" value="yes">All that the filter finds: what does it cost?</button>
</form>`
}

function rowOf(runId: string, line: TenantLine, tick: Html | null): Html {
  const [copied, total] = [Number(line.rows_copied), Number(line.rows_total ?? 0)]
  const rows =
    line.open && total > copied ? `${number(copied)} of ${number(total)}` : number(copied)
  const busy = stateOf(line) === 'working'
  const progress = busy
    ? html` <progress value="${percentOf(line)}" max="100" aria-label="done"></progress>`
    : null
  return html`<tr>${tick}<td class="id"><a href="${tenantPath(runId, line.tenant_id)}">${shorten(line.tenant_id, 80)}</a></td>
<td><span class="swatch ${stateOf(line)}"></span>${wordsOf(line)}${progress}</td>
<td class="number">${rows}</td><td class="number">${span(line.pause_ms)}</td>
<td class="number">${line.attempt}</td><td>${time(line.updated_at)}</td>
<td class="message">${noteOf(line)}</td></tr>`
}

function noteOf(line: TenantLine): Html | null {
  const { error_code: code, error_message: message, gives_way: reason } = line
  if (code === null) return reason === null ? null : html`gives way: ${shorten(reason, 160)}`
  return html`<b class="bad">${code}</b> ${shorten(message ?? '', 160)}`
}

function filterForm(runId: string, query: TenantQuery, overview: RunOverview): Html {
  const phases = [...new Set(overview.phases.map(({ phase }) => phase))]
  const codes = overview.failures.map(({ code }) => code)
  return html`<form class="row" method="get" action="${runPath(runId)}#tenants" role="search">
<label>Tenant <input type="search" name="q" value="${query.search ?? ''}"></label>
<label>Phase <select name="phase">${options(query.phase, [
    ['', 'any'],
    ['waiting', 'waiting'],
    ['working', 'on their way'],
    ...phases.filter((phase) => phase !== 'queued').map((phase) => [phase, phase] as const),
  ])}</select></label>
<label>Error <select name="code">${options(query.code, [
    ['', 'any or none'],
    ...codes.map((code) => [code, code] as const),
  ])}</select></label>
<input type="hidden" name="sort" value="${query.sort ?? 'tenant'}">
<button>Show</button>
</form>`
}

function options(chosen: string | undefined, all: readonly (readonly [string, string])[]): Html[] {
  const isListed = all.some(([value]) => value === (chosen ?? ''))
  const list = isListed ? all : [...all, [chosen ?? '', chosen ?? ''] as const]
  return list.map(([value, name]) => {
    const selected = value === (chosen ?? '') ? html` selected` : null
    return html`<option value="${value}"${selected}>${name}</option>`
  })
}

function pages(runId: string, query: TenantQuery, { page, size, total }: TenantPage): Html | null {
  const last = Math.max(0, Math.ceil(total / size) - 1)
  if (last === 0) return null
  const link = (to: number, name: string) =>
    to < 0 || to > last || to === page
      ? html`<span class="dim">${name}</span>`
      : html`<a href="${runPath(runId, { ...query, page: to })}">${name}</a>`
  return html`<nav aria-label="Pages">${link(0, 'first')}${link(page - 1, 'previous')}
<span>page ${number(page + 1)} of ${number(last + 1)}</span>
${link(page + 1, 'next')}${link(last, 'last')}</nav>`
}
