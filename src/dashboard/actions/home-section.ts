/** Where the tenant lives, until when it can come back, and what a person may ask for now. */
import { keepsWrites } from '../../control/rollback-kinds.ts'
import { type AskedErrand, askedTerms } from '../../errands.ts'
import { type Html, html } from '../../html.ts'
import { time } from '../../numbers.ts'
import type { TenantRecord } from '../library.ts'
import { command } from '../retry.ts'
import { actionPath } from '../tenant-path.ts'
import { takenAlong } from './price.ts'

export function homeSection(record: TenantRecord, errands: readonly AskedErrand[]): Html {
  const { run, move } = record
  const links = errands.map(
    (errand) =>
      html`<a class="button" href="${actionPath(errand, run.id, move.tenant_id)}">${askedTerms[errand].link}</a>`,
  )
  const again =
    !move.open && move.phase === 'failed'
      ? html`<p class="dim">To try again: <code>${command('retry', run.id, move.tenant_id)}</code></p>`
      : null
  return html`<section><h2>Home</h2>
<p>${homeOf(record)}</p>
<p>${wayBackOf(record)}</p>
${again}
${links.length === 0 ? null : html`<p class="row">${links}</p>`}
</section>`
}

/** The cutover decides: in these phases both ends refuse, and the target is the truth. */
const opening = ['cutover', 'release']

function homeOf({ run, move }: TenantRecord): Html {
  const source = html`It lives at the source, <b>${run.source}</b>.`
  const target = html`It lives at the target, <b>${run.target}</b>.`
  if (move.open && opening.includes(move.phase)) {
    return html`It is at its cutover: from the source, ${run.source}, to the target, ${run.target}.`
  }
  if (/^undo_(cutover|release)$/.test(move.phase)) {
    return html`It is on its way back: from the target, ${run.target}, to the source, ${run.source}.`
  }
  const moved = ['moved', 'audit', 'finalize', 'cleanup', 'cleaned']
  const isMoved = moved.includes(move.phase) || /^undo_/.test(move.phase)
  if (move.phase === 'cleaned' || move.phase === 'cleanup') {
    return move.fallback_phase === 'rolled_back' ? source : target
  }
  return isMoved ? target : source
}

function wayBackOf({ move }: TenantRecord): Html {
  if (move.cleanup_begun) return html`It cannot come back: the old copy is removed.`
  if (move.phase !== 'moved') return html``
  if (move.window_until !== null && keepsWrites(move, new Date())) {
    const { changes, oneWay } = takenAlong(move)
    const audited = move.audited_at
      ? html` The way back was last tried ${time(move.audited_at)}.`
      : null
    return html`It can come back with its writes until ${time(move.window_until)}.${audited}
${[changes, ...oneWay].map((sentence) => html`<br>${sentence}`)}`
  }
  return html`Its rollback window is over, or there was none: it comes back without what it has written since.`
}
