/**
 * Bull Board at the root of the board: how it is set up, and what is changed of its answers, namely
 * that a viewer sees no buttons, and that its page loads nothing from other sites.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createBullBoard } from '@bull-board/api'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Logger } from '../log.ts'
import { BoardAdapter } from './board-adapter.ts'
import { signed } from './decision.ts'
import type { BoardLibrary } from './library.ts'
import { queueAdapters } from './queue-adapters.ts'
import { signInPath } from './sign-in.ts'

interface Setup {
  readonly library: BoardLibrary
  readonly log: Logger
  /** There are tokens, hence another role to take. */
  readonly tokens: boolean
}

export async function registerBullBoard(scope: FastifyInstance, setup: Setup): Promise<void> {
  const callers = new AsyncLocalStorage<string>()
  const adapter = new BoardAdapter(setup.library, setup.log, () => callers.getStore() ?? 'somebody')
  createBullBoard({
    queues: queueAdapters(setup.library.queues),
    // Its own declaration differs from itself where npm installs it twice.
    serverAdapter: adapter as never,
    options: { uiConfig: uiConfig(setup) },
  })
  scope.addHook('preHandler', (request, _reply, done) => {
    callers.run(signed(request.caller?.user ?? 'somebody', request), done)
  })
  scope.addHook('preSerialization', async (request, _reply, payload) => {
    const { role } = request.caller ?? {}
    return role === 'viewer' || role === 'approver' ? withoutButtons(payload) : payload
  })
  scope.addHook('onSend', async (_request, reply, payload) => {
    const type = String(reply.getHeader('content-type'))
    // Its scripts, too: a web worker has the policy that it was served with, not its page's.
    if (!type.startsWith('application/json')) reply.header('content-security-policy', policy)
    return type.startsWith('text/html') && typeof payload === 'string' ? tidied(payload) : payload
  })
  await scope.register(adapter.registerPlugin())
}

/** Its page sets styles from its scripts, and highlights JSON in a worker. */
const policy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

const fonts = { 'font-sans': 'system-ui, sans-serif', 'font-mono': 'ui-monospace, monospace' }

function uiConfig({ tokens }: Setup) {
  return {
    boardTitle: 'rehome',
    favIcon: { default: 'static/images/logo.svg', alternative: 'static/favicon-32x32.png' },
    miscLinks: [
      { text: 'Runs', url: '/runs' },
      ...(tokens ? [{ text: 'Sign in with another token', url: signInPath }] : []),
    ],
    hideDocsLink: true,
    hideRedisDetails: true,
    showMetrics: false,
    sortQueues: false,
    // A move takes seconds.
    pollingInterval: { showSetting: false, forceInterval: 3 },
    jobDetails: { defaultTab: 'Logs' as const },
    theme: { light: fonts, dark: fonts },
  }
}

const queueList = z.looseObject({ queues: z.array(z.looseObject({ readOnlyMode: z.boolean() })) })

/** Only for the eye: the gate refuses a viewer's requests whatever he sees. */
function withoutButtons(payload: unknown): unknown {
  const list = queueList.safeParse(payload)
  if (!list.success) return payload
  const queues = list.data.queues.map((queue) => ({
    ...queue,
    readOnlyMode: true,
    allowRetries: false,
    allowCompletedRetries: false,
  }))
  return { ...list.data, queues }
}

/**
 * Buttons that are refused, found by their icons: there is no setting for each. Only for the eye,
 * too: should their names change, a click is answered with the reason.
 */
const refusedInMenus = ['plus', 'chart-no-axes-gantt', 'gauge', 'trash-2', 'ban']
const refusedAtJobs = ['files', 'pencil', 'trash-2', 'calendar-clock', 'arrow-up-down', 'unlink']

const hidden = [
  ...refusedInMenus.map((icon) => `[role=menuitem]:has(.lucide-${icon})`),
  ...refusedAtJobs.map((icon) => `[class*="Actions-"] > li:has(.lucide-${icon})`),
].join(',\n')

/**
 * Without fonts of another site, which the policy would refuse after the browser had complained.
 */
function tidied(page: string): string {
  const local = page.replace(/<link\b[^>]*\bhref="https?:[^>]*>\n?/g, '')
  return local.replace('</head>', `<style>${hidden} { display: none }</style></head>`)
}
