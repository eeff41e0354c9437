import type { Command } from 'commander'
import { type CanaryOptions, type CanaryResult, canary, type Tried } from '../coordinator/canary.ts'
import { openEnds } from '../coordinator/installation.ts'
import { durationMs } from '../duration.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { jsonText, print, withRehome } from './context.ts'
import { loadPlan } from './load-plan.ts'
import { step } from './next-steps.ts'
import { safe } from './print.ts'

export function addCanary(program: Command): void {
  program
    .command('canary <plan>')
    .description(
      'fence a tenant for a moment, to prove that no instance of the application writes for it',
    )
    .requiredOption('-t, --tenant <id>', 'which tenant: one of your own')
    .option('--url <url...>', 'where each instance takes a write for this tenant')
    .option('--method <method>', 'of the request', 'POST')
    .option('--header <header...>', 'e.g. "authorization: Bearer …"')
    .option('--body <body>', 'body of the request; JSON is sent as application/json')
    .option('--answer <time>', 'how long an instance may keep a write waiting', '10s')
    .option('--dry-run', 'only show which tenant would be fenced, and what would be sent where')
    .option('--json', 'as JSON')
    .action(runCanary)
}

interface Flags {
  readonly tenant: string
  readonly url?: readonly string[]
  readonly method: string
  readonly header?: readonly string[]
  readonly body?: string
  readonly answer: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

async function runCanary(file: string, flags: Flags): Promise<void> {
  const plan = checkPlan(await loadPlan(file))
  const { tenant } = flags
  const answerMs = durationMs(flags.answer)
  const by = plan.canary ? byPlan(plan, flags) : byRequest(flags)
  if (flags.dryRun) return sayOnly(plan, flags, by.instances)
  await using ends = openEnds(plan, process.env)
  const results = await withRehome((rehome) =>
    canary(rehome, { plan, ends }, { ...by, tenant, answerMs }),
  )
  const nextSteps = [`${step('enqueue', file)} --limit 1`]
  if (flags.json) return print(jsonText({ instances: results, nextSteps }, 2))
  for (const result of results) print(lineOf(result))
  print(`no row of the tenant was written while it was fenced`)
}

function sayOnly({ canary: own }: Plan, flags: Flags, instances: readonly string[]): void {
  const { tenant, method } = flags
  const write = own ? 'the write of the plan' : `${method} with the body of --body`
  if (flags.json) {
    print(jsonText({ tenant, instances, write, nextSteps: [] }, 2))
    return
  }
  print(`would fence tenant ${safe(JSON.stringify(tenant), 200)} at the source for a moment`)
  for (const instance of instances) {
    print(`would send ${write} to ${safe(instance, 500)}: before, while it is fenced, and after`)
  }
}

type By = Pick<CanaryOptions, 'instances' | 'write'>

/** Writes through the plan's own function: a return means accepted, an error means refused. */
function byPlan({ canary, name }: Plan, { url = [`plan ${name}`] }: Flags): By {
  return {
    instances: url,
    async write({ instance, tenant, signal }) {
      try {
        const returned = await canary?.({ tenantId: tenant, instance, signal })
        if (returned instanceof Response) return answerOf(returned)
        return { accepted: true, polite: false, answer: 'written' }
      } catch (error) {
        return { accepted: false, polite: true, answer: messageOf(error) }
      }
    },
  }
}

function byRequest({ url, method, header = [], body }: Flags): By {
  if (!url) {
    const message = 'set --url to where each instance takes a write, or give the plan a `canary`'
    throw new RehomeError('USAGE', message)
  }
  const wrong = url.find((text) => !URL.canParse(text) || !/^https?:/i.test(text))
  if (wrong !== undefined) throw new RehomeError('USAGE', `"${wrong}" is no http(s):// URL`)
  const headers = headersOf(header, body)
  return {
    instances: url,
    async write({ instance, signal }) {
      const request = { method, headers, redirect: 'manual', signal } as const
      const response = await fetch(instance, { ...request, ...(body !== undefined && { body }) })
      await response.body?.cancel()
      return answerOf(response)
    },
  }
}

function headersOf(lines: readonly string[], body: string | undefined): Headers {
  const headers = new Headers({ accept: 'application/json' })
  if (body !== undefined) headers.set('content-type', isJson(body) ? 'application/json' : formType)
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? []
    if (!name || value === undefined) {
      throw new RehomeError('USAGE', 'a --header has to be "name: value"')
    }
    headers.set(name, value)
  }
  return headers
}

const formType = 'application/x-www-form-urlencoded'

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

function answerOf({ status, headers }: Response): Pick<Tried, 'accepted' | 'polite' | 'answer'> {
  const polite = headers.get('tenant-mode') === 'read-only'
  return {
    accepted: status < 400 && !polite,
    polite,
    answer: polite ? `${status} read-only` : String(status),
  }
}

function lineOf({ instance, before, fenced, after }: CanaryResult): string {
  const refused = `refused while fenced (${fenced.answer}, ${Math.round(fenced.ms)} ms)`
  const rude = fenced.polite ? '' : '; users see an error, not a pause'
  return `${instance}: written before (${before.answer}), ${refused}, written after (${after.answer})${rude}`
}
