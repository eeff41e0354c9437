/** Parts of a run's and of a tenant's page that show what holds it back, and lead to decisions. */
import type { Move, Run } from '../../control/database.ts'
import { type Html, html } from '../../html.ts'
import { time } from '../../numbers.ts'
import { beforeCutover } from '../../phases.ts'
import type { Role } from '../sessions.ts'
import { mayAsk, type StepName, stepNames, steps } from './steps.ts'
import { type Target, targetPath } from './target.ts'

export interface SteeredRun {
  readonly run: Run
  /** Reasons why it does not go on by itself. */
  readonly notices: readonly string[]
  /** Moves of it can still be kept from their cutover. */
  readonly stoppable: boolean
  /** Some of them are held. */
  readonly held: boolean
  readonly role: Role | undefined
}

/** null: nothing holds it back, and there is nothing to decide. */
export function runSteering({ run, notices, stoppable, held, role }: SteeredRun): Html | null {
  const possible: Readonly<Record<StepName, boolean>> = {
    pause: stoppable && run.paused === null,
    resume: stoppable && run.paused !== null,
    complete: held,
    approve: run.wave < run.wave_count,
    cancel: stoppable,
  }
  const wave = { wave: run.wave }
  const links = linksOf(run.id, possible, {
    role,
    target: (step) => (step === 'approve' ? wave : {}),
  })
  if (notices.length === 0 && links === null) return null
  const items = notices.map((notice) => html`<li>${notice}</li>`)
  return html`<section><h2>What holds it back</h2>
${notices.length === 0 ? html`<p class="dim">Nothing.</p>` : html`<ul>${items}</ul>`}
${links}
</section>`
}

/** null: it is past its cutover, or over. */
export function tenantSteering(move: Move, role: Role | undefined): Html | null {
  if (!move.open || move.errand !== 'move' || !beforeCutover.includes(move.phase)) return null
  const isHeld = move.held || move.complete_after !== null
  const possible: Readonly<Record<StepName, boolean>> = {
    pause: move.paused === null,
    resume: move.paused !== null,
    complete: isHeld,
    approve: false,
    cancel: true,
  }
  const target = { tenant: move.tenant_id }
  const links = linksOf(move.run_id, possible, { role, target: () => target })
  const text = heldText(move)
  if (text === null && links === null) return null
  return html`<section><h2>Before its cutover</h2>
${text === null ? null : html`<p>${text}</p>`}
${links}
</section>`
}

function heldText({ held, complete_after: date, phase }: Move): Html | null {
  if (!held && date === null) return null
  const until = held || date === null ? html`somebody completes it` : time(date)
  const what = phase === 'hold' ? 'It follows what its tenant writes' : 'It is on its way there'
  return html`The move is held until ${until}. ${what}.`
}

interface Links {
  readonly role: Role | undefined
  readonly target: (step: StepName) => Target
}

function linksOf(
  runId: string,
  possible: Readonly<Record<StepName, boolean>>,
  { role, target }: Links,
): Html | null {
  const offered = stepNames.filter((step) => possible[step] && mayAsk(role, step))
  if (offered.length === 0) return null
  const links = offered.map(
    (step) =>
      html`<a class="button" href="${targetPath(step, runId, target(step))}">${steps[step].title}</a> `,
  )
  return html`<p class="row">${links}</p>`
}
