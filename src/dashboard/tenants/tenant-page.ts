/**
 * One tenant's move, as a page: how it stands, what was compared, how long it took, what happened.
 */
import type { Move, MoveEvent } from '../../control/database.ts'
import type { AskedErrand } from '../../errands.ts'
import { type Html, html, shorten } from '../../html.ts'
import { number, span, time } from '../../numbers.ts'
import type { TableReport } from '../../report/stored-evidence.ts'
import { homeSection } from '../actions/home-section.ts'
import type { TenantRecord } from '../library.ts'
import { fact, navigation, page } from '../page.ts'
import { adviceFor } from '../runs/advice.ts'
import { runPath } from '../runs/run-query.ts'
import { tenantPath } from '../tenant-path.ts'
import { differencesSection } from './differences.ts'
import { type CopyRate, type Evidence, type PhaseTime, readEvidence } from './evidence.ts'
import { timelineSection } from './timeline.ts'

export interface TenantPage {
  readonly record: TenantRecord
  /** Errands that may be asked for now; empty for a viewer. */
  readonly errands: readonly AskedErrand[]
  /** Rows may be looked at. */
  readonly mayInspect?: boolean
  /** The part with what holds the move, and what a person may decide; null: nothing. */
  readonly steering: Html | null
}

export function tenantPage({ record, errands, steering, mayInspect = false }: TenantPage): string {
  const { run, move, events } = record
  const path = tenantPath(run.id, move.tenant_id)
  const evidence = readEvidence(move, events)
  const body = html`${navigation(html`<a href="${runPath(run.id)}">Run</a>
<a class="end" href="${path}.json">JSON</a>`)}
<main id="tenant" data-live-part data-live="${runPath(run.id)}/live?tenant=${encodeURIComponent(move.tenant_id)}">
<header>
<h1>${shorten(move.tenant_id, 200)}</h1>
<p class="dim">run <a href="${runPath(run.id)}">${run.id}</a> of plan ${run.plan_name} by ${run.created_by} ·
${run.source} → ${run.target}</p>
</header>
${standing(move, evidence)}
${failure(move)}
${differencesSection({ record, mayInspect })}
${homeSection(record, errands)}
${steering}
${timelineSection(events, evidence.phases)}
${tableSection(evidence.tables)}
${phaseSection(evidence.phases)}
${eventSection(events)}
${jsonSection('Facts', move.facts)}
${jsonSection('All evidence', move.evidence)}
</main>`
  const title = `${shorten(move.tenant_id, 60)} · rehome`
  return page({ title, body, elseAfterS: move.open ? 3 : undefined })
}

function standing(move: Move, evidence: Evidence): Html {
  const rows = Number(move.rows_copied)
  const total = Number(move.rows_total ?? 0)
  const busy = move.open && move.errand !== 'move' ? ` (${move.errand})` : ''
  return html`<section>
<dl>
${fact('Phase', html`<span class="phase ${mood(move)}">${move.phase}${busy}</span>`)}
${fact('Attempt', `${move.attempt}`)}
${move.gives_way === null ? null : fact('Gives way', move.gives_way)}
${fact('Rows copied', `${number(rows)} of ${number(total)}`)}
${fact('Writes paused', span(evidence.pauseMs))}
${evidence.copyRate === null ? null : fact('Copied at', rateText(evidence.copyRate))}
${evidence.rollbackPauseMs === null ? null : fact('On the way back', span(evidence.rollbackPauseMs))}
${fact('Asked for', time(move.created_at))}
${fact('Last change', time(move.updated_at))}
</dl>
${move.open && total > 0 ? html`<p><progress value="${rows}" max="${total}" aria-label="rows copied"></progress></p>` : null}
</section>`
}

function rateText({ rowsPerS, leftMs }: CopyRate): string {
  const rate = `${number(Math.round(rowsPerS))} rows/s`
  return leftMs === null ? rate : `${rate}, about ${span(leftMs)} left`
}

function mood({ open, phase }: Move): string {
  if (open) return 'work'
  return phase === 'failed' ? 'bad' : 'good'
}

/**
 * An errand that failed, though the move may stand as it did before: a rollback that was refused.
 */
function failure(move: Move): Html | null {
  if (move.error_code === null) return null
  const where = move.failed_phase === null ? '' : ` in ${move.failed_phase}`
  const advice = adviceFor(move.error_code)
  return html`<section class="bad">
<h2>${move.error_code}${where}</h2>
<p>${move.error_message}</p>
${advice === null ? null : html`<p><b>What to do:</b> ${advice}</p>`}
${jsonSection('Details', move.error_data)}
</section>`
}

function tableSection(tables: readonly TableReport[]): Html | null {
  if (tables.length === 0) return null
  const rows = tables.map(({ table, read, written, expected, found, differing, equal }) => {
    const counts = [read, written, expected, found, differing]
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
    (phase) => html`<tr><td>${phase.phase}</td><td class="number">${span(phase.ms)}</td>
<td><meter value="${phase.ms}" max="${longest}" aria-label="${phase.phase}"></meter></td></tr>`,
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

function numberCell(value: number | null): Html {
  return html`<td class="number">${value === null ? '–' : number(value)}</td>`
}
