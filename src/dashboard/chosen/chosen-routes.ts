/**
 * Errands of several tenants of a run. The first POST shows the price, the second one asks; the
 * gate lets only operators post. Tenants for which it is not possible by then are passed over.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { tenantPage } from '../../control/runs/run-tenants.ts'
import { decodedOnce } from '../../ends/web/url-below.ts'
import { RehomeError } from '../../errors.ts'
import { carryOut, type Decision, readDecision, signed } from '../decision.ts'
import { isTicked, readForm } from '../fields.ts'
import type { BoardLibrary, CancelEnd } from '../library.ts'
import { filterFields, readRunQuery, runPath } from '../runs/run-query.ts'
import {
  type ChosenErrand,
  type ChosenPage,
  type ChosenPrice,
  chosenErrands,
  chosenPage,
} from './chosen-page.ts'

/** Tenants that one request may be about, and room for their ids. */
const tenantsMax = 10_000
const bodyLimit = 4 * 1024 * 1024

interface ChosenCall {
  readonly Params: { readonly run: string }
}

export function chosenRoutes(app: FastifyInstance, library: BoardLibrary): void {
  app.post<ChosenCall>('/chosen/:run', { bodyLimit }, async (request, reply) => {
    const runId = request.params.run
    const choice = await readAsked(library, request)
    const { errand, tenants, by, reason, isNamed } = choice
    const show = async (reply: FastifyReply, refusal: string | null) => {
      const price = await priceOf(library, runId, choice)
      const form = { by, reason, isNamed }
      const shown: ChosenPage = { runId, errand, tenants, price, refusal, form }
      return reply.type('text/html').send(chosenPage(shown))
    }
    if (!choice.isAsked) return await show(reply, null)
    return await carryOut(choice, reply, {
      undone: 'Not asked for',
      read: 'its price',
      ask: () => ask(library, runId, { ...choice, by: signed(by, request) }),
      show,
      back: runPath(runId),
    })
  })
}

interface Asked extends Decision {
  readonly errand: ChosenErrand
  readonly tenants: readonly string[]
  readonly isAsked: boolean
}

const once = ['errand', 'by', 'reason', 'ask', 'confirmed', 'matching', ...filterFields]

/**
 * Throws USAGE where no tenant was ticked or found, one cannot be read, or the errand is none. The
 * page with the price names each tenant that a filter has found: no other is asked for later.
 */
async function readAsked(
  library: BoardLibrary,
  request: FastifyRequest<ChosenCall>,
): Promise<Asked> {
  const fields = readForm(request.body, once, ['tenants'])
  const errand = chosenErrands.find((one) => one === fields.get('errand'))
  if (!errand) throw new RehomeError('USAGE', 'choose what to do with the tenants')
  const tenants = isTicked(fields, 'matching')
    ? await matching(library, request.params.run, fields)
    : fields.getAll('tenants').map(tenantOf)
  if (tenants.length === 0) throw new RehomeError('USAGE', 'tick the tenants that it is for')
  return {
    errand,
    tenants: [...new Set(tenants)],
    ...readDecision(fields, request),
    isAsked: fields.get('ask') === 'yes',
  }
}

/** All tenants of the run that the filter of its page finds, on all pages. */
async function matching(
  { control }: BoardLibrary,
  runId: string,
  fields: URLSearchParams,
): Promise<string[]> {
  const query = readRunQuery(Object.fromEntries(fields))
  const tenants: string[] = []
  for (let page = 0; ; page += 1) {
    const result = await tenantPage(control, runId, { ...query, page, size: 1_000 })
    if (result.total > tenantsMax) {
      const message = `the filter finds ${result.total} tenants, and ${tenantsMax} can be asked for`
      throw new RehomeError('USAGE', `${message} at once: narrow it`)
    }
    tenants.push(...result.tenants.map((line) => line.tenant_id))
    if (result.tenants.length < result.size) return tenants
  }
}

function tenantOf(text: string): string {
  const tenant = decodedOnce(text)
  if (tenant) return tenant
  throw new RehomeError('USAGE', `no tenant's id can be read from ${JSON.stringify(text)}`)
}

async function ask(
  library: BoardLibrary,
  runId: string,
  { errand, ...request }: Asked,
): Promise<void> {
  const { tenants, by, reason } = request
  const { tenants: possible } = await priceOf(library, runId, { errand, tenants })
  const options = { tenants: possible, by, reason }
  if (possible.length === 0)
    throw new RehomeError('NOT_ALLOWED_NOW', 'it is possible for none of them now')
  if (errand === 'cancel') await library.cancel(runId, options)
  else await library[errand](runId, options)
}

async function priceOf(
  library: BoardLibrary,
  runId: string,
  { errand, tenants }: Pick<Asked, 'errand' | 'tenants'>,
): Promise<ChosenPrice> {
  if (errand === 'cancel') return await cancelPrice(library, runId, tenants)
  const possible: string[] = []
  const onTenants = (some: readonly string[]) => void possible.push(...some)
  const price = await library.price(runId, { errand, tenants, all: true, onTenants })
  const states = Object.entries(price.passedOver).map(([state, count]) => `${count} ${state}`)
  return { tenants: possible, costs: price.costs, passedOver: states }
}

async function cancelPrice(
  library: BoardLibrary,
  runId: string,
  tenants: readonly string[],
): Promise<ChosenPrice> {
  const ends = { calledOff: 0, takenBack: 0, forward: 0 }
  const possible: string[] = []
  const onTenants = (some: readonly string[], end: CancelEnd) => {
    ends[end] += some.length
    if (end !== 'forward') possible.push(...some)
  }
  await library.cancel(runId, { tenants, by: '', dryRun: true, onTenants }).catch(unlessRefused)
  const { calledOff, takenBack, forward } = ends
  const closed = tenants.length - possible.length - forward
  return {
    tenants: possible,
    costs: [
      ...(calledOff > 0 ? [`${calledOff} had not begun: they stay where they are`] : []),
      ...(takenBack > 0
        ? [`${takenBack} stay at the source and can write; what was copied is removed`]
        : []),
    ],
    passedOver: [
      ...(forward > 0 ? [`${forward} past their cutover`] : []),
      ...(closed > 0 ? [`${closed} not open`] : []),
    ],
  }
}

/** It is refused where no tenant among them has an open move. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof RehomeError && error.code === 'NOT_ALLOWED_NOW')) throw error
}
