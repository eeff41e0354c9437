/** The tenant's page and its JSON. */
import type { FastifyInstance } from 'fastify'
import { allowedErrands } from '../actions/ask.ts'
import type { BoardLibrary, TenantRecord } from '../library.ts'
import { readTenantPath } from '../tenant-path.ts'
import { tenantPage } from './tenant-page.ts'

export function tenantRoutes(app: FastifyInstance, library: BoardLibrary): void {
  app.get('/tenants/*', async (request, reply) => {
    const address = readTenantPath(request.raw.url ?? '')
    if (!address) return reply.callNotFound()
    const record = await library.show(address.runId, address.tenant)
    if (address.json) return reply.send(publicRecord(record))
    const isOperator = request.caller?.role === 'operator'
    const errands = isOperator ? await allowedErrands(library, address) : []
    return reply.type('text/html').send(tenantPage({ record, errands }))
  })
}

/** Without what a worker proves itself with to the ends' fences. */
function publicRecord({ run, move, events }: TenantRecord) {
  const { token, epoch, ...shown } = move
  return { run, move: shown, events }
}
