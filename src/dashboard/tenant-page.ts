/**
 * One tenant's move, as a page: how it stands, what was compared, how long it took, what happened.
 */
import type { Move, MoveEvent } from '../control/database.ts'
import { type Evidence, type PhaseTime, readEvidence, type TableEvidence } from './evidence.ts'
import { type Content, type Html, html, shorten } from './html.ts'
import type { TenantRecord } from './library.ts'
import { page } from './page.ts'
import { command } from './retry.ts'
import { tenantPath } from './tenant-path.ts'

export interface TenantPage {
  readonly record: TenantRecord
  readonly mayRetry: boolean
  /** The refused request that led to this page, if any. */
  readonly refusal?: string
}

export function tenantPage({ record, mayRetry, refusal }: TenantPage): string {
  const { run, move, events } = record
  const path = tenantPath(run.id, move.tenant_id)
  const evidence = readEvidence(move, events)
  const body = html`<nav><a href="/">← Queues</a><a href="${path}.json">JSON</a></nav>
<header>
<h1>${shorten(move.tenant_id, 200)}</h1>
<p class="dim">run ${run.id} of plan ${run.plan_name} by ${run.created_by} ·
${run.source} → ${run.target}</p>
</header>
${refusal === undefined ? null : html`<section class="bad">${refusal}</section>`}
${standing(move, evidence)}
${failure(move, mayRetry ? path : null)}
${tableSection(evidence.tables)}
${phaseSection(evidence.phases)}
${eventSection(events)}
${jsonSection('All evidence', move.evidence)}`
  const refresh = move.open && refusal === undefined ? { afterS: 3 } : undefined
  return page({ title: `${shorten(move.tenant_id, 60)} · rehome`, body, refresh })
}

function standing(move: Move, evidence: Evidence): Html {
  const rows = Number(move.rows_copied)
  const total = Number(move.rows_total ?? 0)
  const busy = move.open && move.errand !== 'move' ? ` (${move.errand})` : ''
  return html`<section>
<dl>
${fact('Phase', html`<span class="phase ${mood(move)}">${move.phase}${busy}</span>`)}
${fact('Attempt', `${move.attempt}`)}
${fact('Rows copied', `${number(rows)} of ${number(total)}`)}
${fact('Writes paused', ms(evidence.pauseMs))}
${evidence.rollbackPauseMs === null ? null : fact('On the way back', ms(evidence.rollbackPauseMs))}
${fact('Asked for', time(move.created_at))}
${fact('Last change', time(move.updated_at))}
</dl>
${move.open && total > 0 ? html`<p><progress value="${rows}" max="${total}"></progress></p>` : null}
</section>`
}

function mood({ open, phase }: Move): string {
  if (open) return 'work'
  return phase === 'failed' ? 'bad' : 'good'
}

/**
 * An errand that failed, though the move may stand as it did before: a rollback that was refused.
 */
function failure(move: Move, retryAt: string | null): Html | null {
  if (move.error_code === null) return null
  const where = move.failed_phase === null ? '' : ` in ${move.failed_phase}`
  return html`<section class="bad">
<h2>${move.error_code}${where}</h2>
<p>${move.error_message}</p>
${jsonSection('Details', move.error_data)}
${move.open || move.phase !== 'failed' ? null : again(move, retryAt)}
</section>`
}

function again(move: Move, retryAt: string | null): Html {
  const text = html`<code>${command('retry', move.run_id, move.tenant_id)}</code>`
  if (retryAt === null) return html`<p class="dim">To try again: ${text}</p>`
  return html`<form method="post" action="${retryAt}"><p><button>Retry</button>
<span class="dim">or ${text}</span></p></form>`
}

function tableSection(tables: readonly TableEvidence[]): Html | null {
  if (tables.length === 0) return null
  const rows = tables.map(({ table, read, written, compared, equal }) => {
    const counts = [read, written, compared?.expected, compared?.found, compared?.differing]
    return html`<tr><td>${table}</td>${counts.map(numberCell)}<td>${verdict(equal)}</td></tr>`
  })
  const names = ['read', 'written', 'expected', 'found', 'differing']
  const heads = names.map((name) => html`<th class="number">${name}</th>`)
  return html`<section><h2>Tables</h2><table>
<tr><th>table</th>${heads}<th>compared</th></tr>
${rows}
</table></section>`
}

function verdict(equal: boolean | null): Html {
  if (equal === null) return html`<span class="dim">not yet</span>`
  return equal ? html`<span class="good">equal</span>` : html`<span class="bad">different</span>`
}

function phaseSection(phases: readonly PhaseTime[]): Html | null {
  if (phases.length === 0) return null
  const longest = Math.max(1, ...phases.map((phase) => phase.ms))
  const rows = phases.map(
    (phase) => html`<tr><td>${phase.phase}</td><td class="number">${ms(phase.ms)}</td>
<td><meter value="${phase.ms}" max="${longest}"></meter></td></tr>`,
  )
  return html`<section><h2>Phases</h2><table>
<tr><th>phase</th><th class="number">time</th><th></th></tr>
${rows}
</table></section>`
}

function eventSection(events: readonly MoveEvent[]): Html {
  const rows = events.map(
    ({ at, attempt, kind, message }) => html`<tr><td>${time(at)}</td>
<td class="number">${attempt}</td><td>${kind}</td><td class="message">${message}</td></tr>`,
  )
  return html`<section><h2>What happened</h2><table>
<tr><th>when</th><th class="number">attempt</th><th>what</th><th></th></tr>
${rows}
</table></section>`
}

function jsonSection(title: string, value: unknown): Html | null {
  const text = JSON.stringify(value ?? {}, null, 2)
  if (text === '{}') return null
  return html`<details><summary>${title}</summary><pre>${text}</pre></details>`
}

function fact(name: string, value: Content): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

function numberCell(value: number | null | undefined): Html {
  const isKnown = value !== null && value !== undefined
  return html`<td class="number">${isKnown ? number(value) : '–'}</td>`
}

function number(value: number): string {
  return value.toLocaleString('en')
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value < 10 ? value.toFixed(1) : number(Math.round(value))} ms`
}

function time(at: Date): Html {
  const text = at.toISOString()
  return html`<time datetime="${text}">${text.replace('T', ' ')}</time>`
}
