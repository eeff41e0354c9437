/** The tenant's page and its JSON, and the page with its rows side by side. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { allowedErrands } from '../actions/ask.ts'
import { nameIn } from '../fields.ts'
import type { BoardLibrary, Inspect, TenantRecord } from '../library.ts'
import { errorPage } from '../page.ts'
import { tenantSteering } from '../steering/steer-section.ts'
import { readInspectPath, readTenantPath } from '../tenant-path.ts'
import { inspectPage } from './differences.ts'
import { tenantPage } from './tenant-page.ts'

export function tenantRoutes(app: FastifyInstance, library: BoardLibrary, inspect?: Inspect): void {
  app.get('/tenants/*', async (request, reply) => {
    const address = readTenantPath(request.raw.url ?? '')
    if (!address) return reply.callNotFound()
    const record = await library.show(address.runId, address.tenant)
    if (address.json) return reply.send(publicRecord(record))
    const errands = isOperator(request) ? await allowedErrands(library, address) : []
    const mayInspect = isOperator(request) && inspect !== undefined
    const steering = tenantSteering(record.move, request.caller?.role)
    return reply.type('text/html').send(tenantPage({ record, errands, mayInspect, steering }))
  })
  if (inspect) inspectRoute(app, library, inspect)
}

/** Rows are a tenant's own: a viewer is to see how a move is, and not what a tenant has written. */
function inspectRoute(app: FastifyInstance, library: BoardLibrary, inspect: Inspect): void {
  app.get<{ Querystring: { table?: unknown; key?: unknown } }>(
    '/inspect/*',
    async (request, reply) => {
      const address = readInspectPath(request.raw.url ?? '')
      if (!address) return reply.callNotFound()
      reply.type('text/html')
      if (!isOperator(request)) {
        return reply.code(403).send(errorPage('Not allowed', 'Only operators may look at rows.'))
      }
      const { runId, tenant } = address
      const record = await library.show(runId, tenant)
      const keys = [request.query.key].flat().filter((one) => typeof one === 'string')
      const of = { runId, tenant, keys, table: nameIn(request.query, 'table') }
      return reply.send(inspectPage(record, await inspect(of)))
    },
  )
}

function isOperator({ caller }: FastifyRequest): boolean {
  return caller?.role === 'operator'
}

/** Without what a worker proves itself with to the ends' fences. */
function publicRecord({ run, move, events }: TenantRecord) {
  const { token, epoch, ...shown } = move
  return { run, move: shown, events }
}
