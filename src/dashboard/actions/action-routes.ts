/** Errands on pages: GET shows the price, POST asks for it. The gate lets only operators post. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { carryOut, type DecisionForm, emptyForm, readDecision, signed } from '../decision.ts'
import { isTicked, readForm } from '../fields.ts'
import type { BoardLibrary } from '../library.ts'
import { type ActionAddress, readActionPath, tenantPath } from '../tenant-path.ts'
import { actionPage } from './action-page.ts'
import { ask, refusalOf } from './ask.ts'

export function actionRoutes(app: FastifyInstance, library: BoardLibrary): void {
  app.get('/actions/*', async (request, reply) => {
    const address = readActionPath(request.raw.url ?? '')
    if (!address) return reply.callNotFound()
    const refusal = await refusalOf(library, address)
    const form = emptyForm(request)
    return await show(library, address, { reply, form, refusal: refusal?.message ?? null })
  })
  app.post('/actions/*', async (request, reply) => {
    const address = readActionPath(request.raw.url ?? '')
    if (!address) return reply.callNotFound()
    return await post(library, address, { request, reply })
  })
}

async function post(
  library: BoardLibrary,
  address: ActionAddress,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const fields = readForm(request.body, ['by', 'reason', 'confirmed', 'discardWrites'])
  const form = readDecision(fields, request)
  const by = signed(form.by, request)
  return await carryOut(form, reply, {
    undone: 'Not asked for',
    read: 'its price',
    ask: async () => {
      const discardWrites = isTicked(fields, 'discardWrites')
      await ask(library, address, { by, reason: form.reason, discardWrites })
    },
    show: (reply, refusal) => show(library, address, { reply, form, refusal }),
    back: tenantPath(address.runId, address.tenant),
  })
}

async function show(
  library: BoardLibrary,
  { errand, runId, tenant }: ActionAddress,
  { reply, ...shown }: { reply: FastifyReply; form: DecisionForm; refusal: string | null },
): Promise<FastifyReply> {
  const record = await library.show(runId, tenant)
  const mayAsk = reply.request.caller?.role === 'operator'
  return reply.type('text/html').send(actionPage({ errand, record, mayAsk, ...shown }))
}
