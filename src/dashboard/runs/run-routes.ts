/** The pages of runs, the same as JSON, and what their scripts ask for. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Run } from '../../control/database.ts'
import { overviewOf } from '../../control/run-overview.ts'
import { cellsAfter, cellsMax, tenantPage } from '../../control/run-tenants.ts'
import { findRun, listRuns } from '../../control/runs.ts'
import { RehomeError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { BoardLibrary } from '../library.ts'
import { securityHeaders } from '../page.ts'
import { tenantPath } from '../tenant-path.ts'
import { cellOf } from './cells.ts'
import { createFeeds } from './run-feed.ts'
import { runPage, runsPage } from './run-page.ts'
import { readRunQuery } from './run-query.ts'

const pageSize = 50

export function runRoutes(app: FastifyInstance, library: BoardLibrary, log: Logger): void {
  const { control } = library
  const runs = async (request: FastifyRequest) => {
    const { before } = request.query as { before?: unknown }
    const list = await listRuns(control, {
      before: typeof before === 'string' ? storable(before) : undefined,
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
    const [overview, found] = await Promise.all([
      overviewOf(control, run.id),
      tenantPage(control, run.id, query),
    ])
    if (isJson) return { run, overview, tenants: found }
    return reply.type('text/html').send(runPage({ run, runId: run.id, overview, query, found }))
  })
  partRoutes(app, library, log)
}

interface PartRequest {
  Params: { run: string }
  Querystring: Record<string, unknown>
}

/** For the scripts of the pages. */
function partRoutes(app: FastifyInstance, library: BoardLibrary, log: Logger): void {
  const { control } = library
  const feeds = createFeeds(control, log)
  app.addHook('preClose', async () => feeds.close())
  app.get<PartRequest>('/runs/:run/cells', async ({ params, query }) => {
    const run = await knownRun(library, params.run)
    const moves = await cellsAfter(control, run.id, textOf(query.after))
    const next = moves.length === cellsMax ? (moves.at(-1)?.tenant_id ?? null) : null
    return { cells: moves.map(cellOf), next }
  })
  app.get<PartRequest>('/runs/:run/tenant', async ({ params, query }, reply) => {
    return reply.redirect(tenantPath(params.run, textOf(query.tenant)), 303)
  })
  app.get<PartRequest>('/runs/:run/live', async ({ params, query }, reply) => {
    const run = await knownRun(library, params.run)
    const tenant = textOf(query.tenant)
    const reader = streamOf(reply)
    if (tenant === '') feeds.follow(run.id, reader)
    else feeds.followTenant(run.id, tenant, reader)
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

async function knownRun({ control }: BoardLibrary, id: string): Promise<Run> {
  const run = storable(id) === id ? await findRun(control, id) : undefined
  if (run) return run
  throw new RehomeError('RUN_UNKNOWN', `run "${id}" does not exist: see the list of runs`)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? storable(value) : ''
}

/** Without what no text of PostgreSQL can hold. */
function storable(text: string): string {
  return text.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '')
}
