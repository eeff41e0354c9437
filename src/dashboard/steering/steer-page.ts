/** The page that asks for a decision about a run: what comes of it, a reason, a confirmation. */
import type { Run } from '../../control/database.ts'
import { type Html, html, shorten } from '../../html.ts'
import { number } from '../../numbers.ts'
import { type DecisionForm, decisionButton, decisionForm } from '../decision.ts'
import { navigation, page } from '../page.ts'
import { runPath } from '../runs/run-query.ts'
import { tenantPath } from '../tenant-path.ts'
import { type Outcome, type StepName, steps } from './steps.ts'
import { type Target, targetPath } from './target.ts'

/** The text that a person confirms to have read. */
export const whatComes = 'what comes of it'

export interface SteerPage {
  readonly step: StepName
  readonly run: Run
  readonly target: Target
  /** Tenants that it would reach; null: it may not be asked for now. */
  readonly outcome: Outcome | null
  readonly refusal: string | null
  readonly mayAsk: boolean
  readonly form: DecisionForm
}

export function steerPage(shown: SteerPage): string {
  const { step, run, target, outcome, refusal, mayAsk } = shown
  const what = `${steps[step].title}: ${aboutText(run, target)}`
  const body = html`${navigation(html`<a href="${runPath(run.id)}">Run</a>`)}
<main>
<h1>${what}</h1>
<p class="dim">plan ${run.plan_name} · ${run.source} → ${run.target}</p>
${refusal === null ? null : html`<section class="bad" role="alert">${refusal}</section>`}
<section><h2>What comes of it</h2>
<p>${steps[step].meaning}</p>
${outcome === null ? null : html`<ul>${outcomeItems(outcome)}</ul>`}
</section>
${mayAsk ? formOf(shown) : html`<section><p>Your role may not ask for it.</p></section>`}
</main>`
  return page({ title: `${what} · rehome`, body })
}

function aboutText(run: Run, { tenant, wave }: Target): string {
  if (tenant !== undefined) return `${shorten(tenant, 60)} of ${run.id}`
  return wave === undefined ? run.id : `wave ${wave} of ${run.id}`
}

const kinds: Readonly<Record<string, string>> = {
  tenants: 'tenants',
  calledOff: 'tenants that have not begun are called off',
  takenBack: 'tenants stay at the source; what was copied is removed',
  forward: 'tenants are past their cutover and go on',
}

function outcomeItems({ count, ...named }: Outcome): Html[] {
  return Object.entries(named).map(([kind, value]) => {
    if (typeof value === 'number') return html`<li>${kind} ${value}</li>`
    const tenants = 'count' in value ? value.count : Number(count ?? value.length)
    return html`<li><b>${number(tenants)}</b> ${kinds[kind] ?? kind}</li>`
  })
}

const finishBox = html`<p><label><input type="checkbox" name="finish" value="yes">
Let moves under way end</label></p>`

const overrideBox = html`<p><label><input type="checkbox" name="override" value="yes">
Also without what its gates and its soak ask for</label></p>`

function formOf({ step, run, target, form }: SteerPage): Html {
  const boxes: Partial<Record<StepName, Html>> = { pause: finishBox, approve: overrideBox }
  const back = target.tenant === undefined ? runPath(run.id) : tenantPath(run.id, target.tenant)
  return decisionForm({
    action: targetPath(step, run.id, target),
    form,
    back,
    box: boxes[step] ?? null,
    keptWith: 'the decision',
    read: whatComes,
    button: decisionButton(steps[step].title, { isGrave: steps[step].isGrave }),
  })
}
