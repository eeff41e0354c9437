/** Errands on pages: GET says the price, POST asks for it. The gate lets only operators post. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerTo } from '../answers.ts'
import type { BoardLibrary } from '../library.ts'
import { type ActionAddress, readActionPath, tenantPath } from '../tenant-path.ts'
import { actionPage } from './action-page.ts'
import { ask, refusalOf } from './ask.ts'

export function actionRoutes(app: FastifyInstance, library: BoardLibrary): void {
  app.get('/actions/*', async (request, reply) => {
    const address = readActionPath(request.raw.url ?? '')
    if (!address) return reply.callNotFound()
    const refusal = await refusalOf(library, address)
    const form = { by: '', reason: '' }
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
  const fields = new URLSearchParams(typeof request.body === 'string' ? request.body : '')
  const form = { by: textOf(fields, 'by', 100), reason: textOf(fields, 'reason', 500) }
  const missing = missingIn(fields, form)
  if (missing !== null) {
    return await show(library, address, { reply: reply.code(400), form, refusal: missing })
  }
  try {
    const discardWrites = fields.get('discardWrites') === 'yes'
    const by = `${form.by} (${request.caller?.role ?? 'stranger'} on the board)`
    await ask(library, address, { by, reason: form.reason, discardWrites })
    return reply.redirect(tenantPath(address.runId, address.tenant), 303)
  } catch (error) {
    const { status, message } = answerTo(error)
    if (status !== 409) throw error
    return await show(library, address, { reply: reply.code(409), form, refusal: message })
  }
}

/** One line without what no database can hold. */
function textOf(fields: URLSearchParams, name: string, most: number): string {
  const text = (fields.get(name) ?? '').replace(/[\p{Cc}\p{Surrogate}]+/gu, ' ')
  return text.trim().slice(0, most)
}

function missingIn(fields: URLSearchParams, { by, reason }: ActionForm): string | null {
  if (by === '') return 'Not asked for: say who you are.'
  if (reason.length < 3) return 'Not asked for: give a reason, in at least 3 characters.'
  if (fields.get('confirmed') !== 'yes')
    return 'Not asked for: confirm that you have read its price.'
  return null
}

interface ActionForm {
  readonly by: string
  readonly reason: string
}

async function show(
  library: BoardLibrary,
  { errand, runId, tenant }: ActionAddress,
  { reply, ...shown }: { reply: FastifyReply; form: ActionForm; refusal: string | null },
): Promise<FastifyReply> {
  const record = await library.show(runId, tenant)
  const mayAsk = reply.request.caller?.role === 'operator'
  return reply.type('text/html').send(actionPage({ errand, record, mayAsk, ...shown }))
}
