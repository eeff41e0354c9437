/** The pages of runs, the same as JSON, and what their scripts ask for. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Run } from '../../control/database.ts'
import { holdsOf } from '../../control/fleet/holds.ts'
import { waitsOf } from '../../control/run-moves.ts'
import { overviewOf } from '../../control/runs/run-counts.ts'
import { cellsAfter, cellsMax, tenantPage } from '../../control/runs/run-tenants.ts'
import { listRuns } from '../../control/runs/runs.ts'
import type { Logger } from '../../log.ts'
import { nameIn, textIn } from '../fields.ts'
import { type BoardLibrary, knownRun } from '../library.ts'
import { securityHeaders } from '../page.ts'
import { runSteering } from '../steering/steer-section.ts'
import { tenantPath } from '../tenant-path.ts'
import { cellOf } from './cells.ts'
import { createFeeds } from './run-feed.ts'
import { runPage, runsPage } from './run-page.ts'
import { readRunQuery } from './run-query.ts'

const pageSize = 50

export function runRoutes(app: FastifyInstance, library: BoardLibrary, log: Logger): void {
  const { control } = library
  const runs = async (request: FastifyRequest) => {
    const before = nameIn(request.query, 'before')
    const list = await listRuns(control, {
      before: before === undefined ? undefined : storable(before),
      limit: pageSize,
    })
    return { list, older: list.length === pageSize ? (list.at(-1)?.id ?? null) : null }
  }
  app.get('/runs', async (request, reply) => {
    const { list, older } = await runs(request)
    return reply.type('text/html').send(runsPage(list, older))
  })
  app.get('/runs.json', async (request) => {
    const { list, older } = await runs(request)
    return { runs: list, before: older }
  })
  app.get<{ Params: { run: string } }>('/runs/:run', async (request, reply) => {
    const name = request.params.run
    const isJson = name.endsWith('.json')
    const run = await knownRun(library, isJson ? name.slice(0, -'.json'.length) : name)
    const query = readRunQuery(request.query)
    const [overview, page, steered] = await Promise.all([
      overviewOf(control, run.id),
      tenantPage(control, run.id, query),
      steeredRun(library, run),
    ])
    if (isJson) return { run, overview, tenants: page, notices: steered.notices }
    const role = request.caller?.role
    const steering = runSteering({ ...steered, role })
    const part = { runId: run.id, overview, query, found: page, mayChoose: role === 'operator' }
    return reply.type('text/html').send(runPage({ run, steering, ...part }))
  })
  app.get<{ Params: { run: string } }>('/runs/:run/report', async ({ params }, reply) => {
    const run = await knownRun(library, params.run)
    reply.header(
      'content-disposition',
      `attachment; filename="${run.id.replace(/[^\w.-]/g, '_')}.html"`,
    )
    return reply.type('text/html').send(Readable.from(library.report(run.id)))
  })
  partRoutes(app, library, log)
}

async function steeredRun(library: BoardLibrary, run: Run) {
  const { control } = library
  const [notices, { stoppable }, { untilTold, untilDate }] = await Promise.all([
    library.notices(run.id),
    waitsOf(control, run.id),
    holdsOf(control, run.id),
  ])
  return { run, notices, stoppable, held: untilTold + untilDate > 0 }
}

interface PartRequest {
  Params: { run: string }
  Querystring: Record<string, unknown>
}

/** For the scripts of the pages. */
function partRoutes(app: FastifyInstance, library: BoardLibrary, log: Logger): void {
  const { control } = library
  const feeds = createFeeds({
    control,
    log,
    holdsOf: async (runId) => await steeredRun(library, await knownRun(library, runId)),
  })
  app.addHook('preClose', async () => feeds.close())
  app.get<PartRequest>('/runs/:run/cells', async ({ params, query }) => {
    const run = await knownRun(library, params.run)
    const moves = await cellsAfter(control, run.id, storable(textIn(query, 'after') ?? ''))
    const next = moves.length === cellsMax ? (moves.at(-1)?.tenant_id ?? null) : null
    return { cells: moves.map(cellOf), next }
  })
  app.get<PartRequest>('/runs/:run/tenant', async ({ params, query }, reply) => {
    return reply.redirect(tenantPath(params.run, storable(nameIn(query, 'tenant') ?? '')), 303)
  })
  app.get<PartRequest>('/runs/:run/live', async ({ params, query }, reply) => {
    const run = await knownRun(library, params.run)
    const tenant = nameIn(query, 'tenant')
    const reader = streamOf(reply)
    if (tenant === undefined) feeds.follow(run.id, reader)
    else feeds.followTenant(run.id, storable(tenant), reader)
    return reply
  })
}

function streamOf(reply: FastifyReply) {
  reply.hijack()
  reply.raw.writeHead(200, {
    ...securityHeaders,
    'content-type': 'text/event-stream; charset=utf-8',
    // For proxies that would keep events until there are many.
    'x-accel-buffering': 'no',
  })
  return reply.raw
}

/** Without what no text of PostgreSQL can hold. */
function storable(text: string): string {
  return text.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '')
}
