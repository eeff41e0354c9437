/**
 * Decisions about runs: pages for people, where GET shows what would come of it and POST asks for
 * it, and the same for programs as JSON. The gate lets only operators post, and approvers where a
 * route demands it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Run } from '../../control/database.ts'
import { answerTo } from '../answers.ts'
import { carryOut, type DecisionForm, emptyForm, readDecision, signed } from '../decision.ts'
import { isTicked, readForm } from '../fields.ts'
import { type BoardLibrary, knownRun, type SteerRequest } from '../library.ts'
import { runPath } from '../runs/run-query.ts'
import { tenantPath } from '../tenant-path.ts'
import { readJson, tenantList } from './program-routes.ts'
import { steerPage, whatComes } from './steer-page.ts'
import { mayAsk, type Outcome, type StepName, stepNames, steps } from './steps.ts'
import { readTarget, type Target } from './target.ts'

interface SteerCall {
  readonly Params: { readonly run: string }
}

type Call = FastifyRequest<SteerCall>

export function steerRoutes(app: FastifyInstance, library: BoardLibrary): void {
  for (const step of stepNames) {
    const config = { forApprovers: steps[step].forApprovers }
    app.get<SteerCall>(`/steer/:run/${step}`, async (request, reply) => {
      return await show(library, step, { request, reply, form: emptyForm(request) })
    })
    app.post<SteerCall>(`/steer/:run/${step}`, { config }, async (request, reply) => {
      return await post(library, step, { request, reply })
    })
    app.post<SteerCall>(`/api/runs/:run/${step}`, { config }, async (request) => {
      return await steps[step].ask(library, request.params.run, readBody(request))
    })
  }
}

const text = (least: number, most: number) => z.string().trim().min(least).max(most)

const body = z.strictObject({
  by: text(1, 100).optional(),
  reason: text(3, 500),
  tenants: tenantList.optional(),
  wave: z.int().min(1).optional(),
  finish: z.boolean().optional(),
  all: z.boolean().optional(),
  override: z.boolean().optional(),
  dryRun: z.boolean().optional(),
})

/** Throws USAGE. */
function readBody(request: Call): SteerRequest {
  const { by, ...rest } = readJson(body, request)
  return { ...rest, by: signed(by ?? 'a program', request) }
}

interface Shown {
  readonly request: Call
  readonly reply: FastifyReply
  readonly form: DecisionForm
  readonly refusal?: string
}

async function show(
  library: BoardLibrary,
  step: StepName,
  { request, reply, form, refusal }: Shown,
): Promise<FastifyReply> {
  const target = readTarget(request.query)
  const run = await knownRun(library, request.params.run)
  const tried = await tryOut(library, step, { run, target })
  return reply.type('text/html').send(
    steerPage({
      step,
      run,
      target,
      form,
      outcome: tried.outcome,
      refusal: refusal ?? tried.refusal,
      mayAsk: mayAsk(request.caller?.role, step),
    }),
  )
}

/** A refusal that the page shows; any other error is the request's. */
async function tryOut(
  library: BoardLibrary,
  step: StepName,
  { run, target }: { run: Run; target: Target },
): Promise<{ outcome: Outcome | null; refusal: string | null }> {
  try {
    const options = { ...requestOf(target), dryRun: true, by: '' }
    return { outcome: await steps[step].ask(library, run.id, options), refusal: null }
  } catch (error) {
    const { status, message } = answerTo(error)
    if (status !== 409) throw error
    return { outcome: null, refusal: message }
  }
}

function requestOf({ tenant, wave }: Target): Pick<SteerRequest, 'tenants' | 'wave'> {
  return { ...(tenant !== undefined && { tenants: [tenant] }), ...(wave !== undefined && { wave }) }
}

async function post(
  library: BoardLibrary,
  step: StepName,
  { request, reply }: { request: Call; reply: FastifyReply },
): Promise<FastifyReply> {
  const fields = readForm(request.body, ['by', 'reason', 'confirmed', 'finish', 'override'])
  const form = readDecision(fields, request)
  const target = readTarget(request.query)
  const { run } = request.params
  return await carryOut(form, reply, {
    undone: 'Nothing was done',
    read: whatComes,
    ask: async () =>
      await steps[step].ask(library, run, {
        ...requestOf(target),
        by: signed(form.by, request),
        reason: form.reason,
        finish: isTicked(fields, 'finish'),
        override: isTicked(fields, 'override'),
      }),
    show: (reply, refusal) => show(library, step, { request, reply, form, refusal }),
    back: target.tenant === undefined ? runPath(run) : tenantPath(run, target.tenant),
  })
}
