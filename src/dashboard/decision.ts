/** The part that decisions on pages have in common: who, why, and that its price was read. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Html, html } from '../html.ts'
import { answerTo } from './answers.ts'
import { lineOf } from './fields.ts'

/** Filled in before. */
export interface DecisionForm {
  readonly by: string
  readonly reason: string
  /** A trusted proxy has named the person: no other name can be written there. */
  readonly isNamed?: boolean | undefined
}

export interface Decision extends DecisionForm {
  readonly isConfirmed: boolean
}

type Called = Pick<FastifyRequest, 'caller'>

export function emptyForm(request: Called): DecisionForm {
  return { ...nameIn('', request), reason: '' }
}

export function readDecision(fields: URLSearchParams, request: Called): Decision {
  return {
    ...nameIn(lineOf(fields, 'by', 100), request),
    reason: lineOf(fields, 'reason', 500),
    isConfirmed: fields.get('confirmed') === 'yes',
  }
}

/** The name that was proved, else the one that was written. */
function nameIn(written: string, { caller }: Called): Pick<DecisionForm, 'by' | 'isNamed'> {
  const user = caller?.user
  return user === undefined ? { by: written } : { by: user, isNamed: true }
}

/** The name as it is stored, with the role of the session. */
export function signed(by: string, request: Called): string {
  return `${nameIn(by, request).by} (${request.caller?.role ?? 'stranger'} on the board)`
}

interface Asking {
  /** How the sentence begins where something is missing, and what a person has to have read. */
  readonly undone: string
  readonly read: string
  /** Throws what the product throws. */
  ask(): Promise<unknown>
  /** The page that asks, with the reason why it was refused. */
  show(reply: FastifyReply, refusal: string): Promise<FastifyReply>
  /** Where to go on. */
  readonly back: string
}

/** Asks for what was decided, or shows the page again where something is missing or refused. */
export async function carryOut(
  decision: Decision,
  reply: FastifyReply,
  asking: Asking,
): Promise<FastifyReply> {
  const { ask, show, back } = asking
  const missing = missingIn(decision, asking)
  if (missing !== null) return await show(reply.code(400), missing)
  try {
    await ask()
    return reply.redirect(back, 303)
  } catch (error) {
    const { status, message } = answerTo(error)
    if (status !== 409) throw error
    return await show(reply.code(409), message)
  }
}

/** null: nothing is missing. */
function missingIn({ by, reason, isConfirmed }: Decision, { undone, read }: Asking): string | null {
  if (by === '') return `${undone}: enter your name.`
  if (reason.length < 3) return `${undone}: give a reason, in at least 3 characters.`
  return isConfirmed ? null : `${undone}: confirm that you have read ${read}.`
}

export interface DecisionFields {
  readonly action: string
  readonly form: DecisionForm
  /** Where the reason is kept. */
  readonly keptWith: string
  /** The text that a person confirms to have read. */
  readonly read: string
  readonly hidden?: readonly Html[]
  readonly box?: Html | null
  readonly button: Html
  /** The path of the page before. */
  readonly back: string
}

export function decisionForm(fields: DecisionFields): Html {
  const { action, form, keptWith, read, hidden = [], box = null, button, back } = fields
  const isNamed = form.isNamed ? html` readonly` : null
  return html`<section><form class="stacked" method="post" action="${action}">
${hidden}
<label>Your name
<input name="by" value="${form.by}" required maxlength="100" autocomplete="name"${isNamed}></label>
<label>Reason, kept with ${keptWith}
<textarea name="reason" required minlength="3" maxlength="500" rows="2">${form.reason}</textarea></label>
${box}
<p><label><input type="checkbox" name="confirmed" value="yes" required>
I have read ${read}</label></p>
<p class="row">${button}
<a href="${back}">Back</a></p>
</form></section>`
}

/** `isGrave`: it takes something away. */
export function decisionButton(
  title: string,
  { isGrave, name }: { readonly isGrave: boolean; readonly name?: string },
): Html {
  const field = name === undefined ? null : html` name="${name}" value="yes"`
  return html`<button${field}${isGrave ? html` class="grave"` : null}>${title}</button>`
}
