/**
 * Requests of programs about a run, or about moves at once, as JSON. The gate lets only operators
 * post. Errands answer with their price, in a dry run as well.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type AskedErrand, askedErrands } from '../../errands.ts'
import { RehomeError } from '../../errors.ts'
import { signed } from '../decision.ts'
import { refuseOthers } from '../fields.ts'
import type { BoardLibrary } from '../library.ts'

interface RunCall {
  readonly Params: { readonly run: string }
}

const text = (least: number, most: number) => z.string().trim().min(least).max(most)
const flag = z.boolean().optional()

export const tenantList = z.array(z.string().max(1024)).min(1).max(100_000)

const decision = z.strictObject({
  by: text(1, 100).optional(),
  reason: text(3, 500),
  dryRun: flag,
})

const errand = decision
  .extend({
    tenants: tenantList.optional(),
    all: flag,
    wave: z.int().min(1).optional(),
    percent: z.number().positive().max(100).optional(),
    where: text(1, 1_000).optional(),
    limit: z.int().min(1).optional(),
    discardWrites: flag,
  })
  .refine(
    ({ tenants, all, wave, percent, where, limit }) =>
      (tenants ?? all ?? wave ?? percent ?? where ?? limit) !== undefined,
    'names no tenants: send `tenants`, or `all`',
  )

const skip = decision.extend({ tenants: tenantList })
const priority = decision.extend({ priority: z.enum(['first', 'normal', 'last']) })

const moves = z.strictObject({
  moves: z.int().min(1).nullable(),
  server: text(1, 300).optional(),
  dryRun: flag,
})

export function programRoutes(app: FastifyInstance, library: BoardLibrary): void {
  for (const name of askedErrands) {
    app.post<RunCall>(`/api/runs/:run/${name}`, async (request) => {
      return await askErrand(library, name, request)
    })
  }
  app.post<RunCall>('/api/runs/:run/skip', async (request) => {
    const { by, ...choice } = readJson(skip, request)
    return await library.skip(request.params.run, { ...choice, by: signedBy(by, request) })
  })
  app.post<RunCall>('/api/runs/:run/priority', async (request) => {
    const { by, ...change } = readJson(priority, request)
    await library.prioritize(request.params.run, { ...change, by: signedBy(by, request) })
    return { priority: change.priority }
  })
  app.post('/api/concurrency', async (request) => {
    const { moves: most, server, dryRun } = readJson(moves, request)
    if (!dryRun) await library.limitMoves(most, { server })
    return { moves: most, ...(server !== undefined && { server }) }
  })
}

async function askErrand(
  library: BoardLibrary,
  name: AskedErrand,
  request: FastifyRequest<RunCall>,
): Promise<object> {
  const { by, reason, dryRun, all, discardWrites, ...choice } = readJson(errand, request)
  if (discardWrites !== undefined && name !== 'rollback') {
    throw new RehomeError('USAGE', `field "discardWrites" is for a rollback, not for ${name}`)
  }
  const { run } = request.params
  // A choice means all of it that is possible now; named tenants alone are each meant.
  const named = choice.tenants !== undefined && Object.values(choice).filter(isGiven).length === 1
  const options = { ...choice, discardWrites, all: all ?? !named }
  const price = await library.price(run, { ...options, errand: name })
  const who = { by: signedBy(by, request), reason, dryRun: dryRun ?? false }
  return { ...price, ...(await library[name](run, { ...options, ...who })) }
}

function isGiven(value: unknown): boolean {
  return value !== undefined
}

function signedBy(by: string | undefined, request: FastifyRequest): string {
  return signed(by ?? 'a program', request)
}

/** Throws USAGE. A query is refused: the body alone names what it is about. */
export function readJson<T>(shape: z.ZodType<T>, { query, body }: FastifyRequest): T {
  refuseOthers(Object.keys(Object(query)), [])
  const parsed = shape.safeParse(body ?? {})
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') || 'the body'
  throw new RehomeError('USAGE', `field "${where}": ${issue?.message}`)
}
