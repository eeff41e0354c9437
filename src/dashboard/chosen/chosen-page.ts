/** The page that asks for an errand of several tenants: its price, a reason, a confirmation. */
import { type Html, html, shorten } from '../../html.ts'
import { number } from '../../numbers.ts'
import { type DecisionForm, decisionButton, decisionForm } from '../decision.ts'
import { navigation, page } from '../page.ts'
import { runPath } from '../runs/run-query.ts'

export const chosenErrands = ['retry', 'rollback', 'cancel'] as const

export type ChosenErrand = (typeof chosenErrands)[number]

export const chosenTitles: Readonly<Record<ChosenErrand, string>> = {
  retry: 'Retry',
  rollback: 'Roll back',
  cancel: 'Cancel before the cutover',
}

export interface ChosenPrice {
  /** Those for which it is possible now. */
  readonly tenants: readonly string[]
  readonly costs: readonly string[]
  readonly passedOver: readonly string[]
}

export interface ChosenPage {
  readonly runId: string
  readonly errand: ChosenErrand
  /** All that were ticked. */
  readonly tenants: readonly string[]
  readonly price: ChosenPrice
  /** Why it was not asked for. */
  readonly refusal: string | null
  readonly form: DecisionForm
}

export function chosenPath(runId: string): string {
  return `/chosen/${encodeURIComponent(runId)}`
}

export function chosenPage({ runId, errand, tenants, price, refusal, form }: ChosenPage): string {
  const count = `${number(price.tenants.length)} of ${number(tenants.length)} chosen tenants`
  const title = `${chosenTitles[errand]}: ${count}`
  const costs = price.costs.map((cost) => html`<li>${cost}</li>`)
  const body = html`${navigation(html`<a href="${runPath(runId)}">Run</a>`)}
<main>
<h1>${title}</h1>
<p class="dim">run ${runId}</p>
${refusal === null ? null : html`<section class="bad" role="alert">${refusal}</section>`}
<section><h2>What it costs</h2>
${costs.length === 0 ? html`<p>It is possible for none of them now.</p>` : html`<ul>${costs}</ul>`}
${price.passedOver.length === 0 ? null : html`<p>Passed over: ${price.passedOver.join(', ')}.</p>`}
<details><summary>The tenants</summary><p>${price.tenants.map(nameOf)}</p></details>
</section>
${price.tenants.length === 0 ? null : formOf({ runId, errand, tenants: price.tenants, form })}
</main>`
  return page({ title: `${title} · rehome`, body })
}

function nameOf(tenant: string): Html {
  return html`<code>${shorten(tenant, 80)}</code>`
}

type Form = Pick<ChosenPage, 'runId' | 'errand' | 'tenants' | 'form'>

function formOf({ runId, errand, tenants, form }: Form): Html {
  return decisionForm({
    action: chosenPath(runId),
    form,
    back: runPath(runId),
    keptWith: 'each request',
    read: 'what it costs',
    hidden: [
      html`<input type="hidden" name="errand" value="${errand}">`,
      ...tenants.map((one) => html`<input type="hidden" name="tenants" value="${encoded(one)}">`),
    ],
    button: decisionButton(chosenTitles[errand], { isGrave: errand !== 'retry', name: 'ask' }),
  })
}

/** Encodes an id: forms change line ends, and pages show characters that cannot be seen. */
export function encoded(tenant: string): string {
  return encodeURIComponent(tenant)
}
