/** The page that asks for an errand: its price, a reason, a confirmation. */

import { type AskedErrand, askedTerms } from '../../errands.ts'
import { type Html, html, shorten } from '../../html.ts'
import { type DecisionForm, decisionButton, decisionForm } from '../decision.ts'
import type { TenantRecord } from '../library.ts'
import { navigation, page } from '../page.ts'
import { runPath } from '../runs/run-query.ts'
import { actionPath, tenantPath } from '../tenant-path.ts'
import { priceOf } from './price.ts'

export interface ActionPage {
  readonly errand: AskedErrand
  readonly record: TenantRecord
  /** Why it cannot be asked for now, or was not. */
  readonly refusal: string | null
  /** Else it only shows the price. */
  readonly mayAsk: boolean
  readonly form: DecisionForm
}

export function actionPage({ errand, record, refusal, mayAsk, form }: ActionPage): string {
  const { run, move } = record
  const price = priceOf(errand, { ...record, now: new Date() })
  const { title: heading } = askedTerms[errand]
  const title = `${heading}: ${shorten(move.tenant_id, 60)}`
  const losses = price.losses.map((loss) => html`<li>${loss}</li>`)
  const body = html`${navigation(html`<a href="${runPath(run.id)}">Run</a>
<a href="${tenantPath(run.id, move.tenant_id)}">Tenant</a>`)}
<main>
<h1>${heading}: ${shorten(move.tenant_id, 200)}</h1>
<p class="dim">run ${run.id} · now ${move.phase}</p>
${refusal === null ? null : html`<section class="bad" role="alert">${refusal}</section>`}
<section><h2>What it costs</h2>
${price.sentences.map((sentence) => html`<p>${sentence}</p>`)}
${losses.length === 0 ? null : html`<p class="bad">Lost for good:</p><ul>${losses}</ul>`}
</section>
${mayAsk ? formOf({ errand, record, form }, price.mayDiscard) : onlyOperators}
</main>`
  return page({ title: `${title} · rehome`, body })
}

const onlyOperators = html`<section><p>Only operators may ask for it: sign in with their token.</p></section>`

type Form = Pick<ActionPage, 'errand' | 'record' | 'form'>

function formOf({ errand, record, form }: Form, mayDiscard: boolean): Html {
  const { run, move } = record
  const discard = mayDiscard
    ? html`<p><label><input type="checkbox" name="discardWrites" value="yes">
Give up what was written at the target since the cutover</label></p>`
    : null
  return decisionForm({
    action: actionPath(errand, run.id, move.tenant_id),
    form,
    box: discard,
    keptWith: 'the request',
    read: 'what it costs',
    button: decisionButton(askedTerms[errand].title, { isGrave: askedTerms[errand].isGrave }),
    back: tenantPath(run.id, move.tenant_id),
  })
}
