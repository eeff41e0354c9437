/** The tenant's page, its JSON, and its Retry button. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerTo } from './answers.ts'
import { html } from './html.ts'
import type { BoardLibrary, TenantRecord } from './library.ts'
import { page } from './page.ts'
import { tenantPage } from './tenant-page.ts'
import { readTenantPath, type TenantAddress, tenantPath } from './tenant-path.ts'

export function tenantRoutes(app: FastifyInstance, library: BoardLibrary): void {
  app.get('/tenants/*', async (request, reply) => {
    const address = readTenantPath(request.raw.url ?? '')
    if (!address) return reply.callNotFound()
    try {
      const record = await library.show(address.runId, address.tenant)
      return address.json ? reply.send(publicRecord(record)) : show(request, reply, { record })
    } catch (error) {
      return sorry(reply, address, error)
    }
  })
  app.post('/tenants/*', async (request, reply) => {
    const address = readTenantPath(request.raw.url ?? '')
    if (!address || address.json) return reply.callNotFound()
    return await retry(library, address, { request, reply })
  })
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

async function retry(
  library: BoardLibrary,
  address: TenantAddress,
  { request, reply }: Exchange,
): Promise<FastifyReply> {
  const { runId, tenant } = address
  try {
    await library.retry(runId, { tenants: [tenant] })
    return reply.redirect(tenantPath(runId, tenant), 303)
  } catch (error) {
    const { status, message } = answerTo(error)
    if (status !== 409) return sorry(reply, address, error)
    const record = await library.show(runId, tenant)
    return show(request, reply.code(409), { record, refusal: message })
  }
}

function show(
  request: FastifyRequest,
  reply: FastifyReply,
  shown: { record: TenantRecord; refusal?: string },
): FastifyReply {
  const mayRetry = request.caller?.role === 'operator'
  return reply.type('text/html').send(tenantPage({ ...shown, mayRetry }))
}

/** Without what a worker proves itself with to the ends' fences. */
function publicRecord({ run, move, events }: TenantRecord) {
  const { token, epoch, ...shown } = move
  return { run, move: shown, events }
}

function sorry(reply: FastifyReply, { json }: TenantAddress, error: unknown): FastifyReply {
  const { status, code, message } = answerTo(error)
  reply.code(status)
  if (json) return reply.send({ error: code, message })
  const body = html`<nav><a href="/">← Queues</a></nav><h1>${code}</h1><p>${message}</p>`
  return reply.type('text/html').send(page({ title: `${code} · rehome`, body }))
}
