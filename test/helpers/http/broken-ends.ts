// Ends that break one rule each: something stands before an end that keeps all of them.
import type { Pool } from '../../../src/postgres.ts'
import { secret } from '../http-end.ts'

type Handle = (request: Request) => Promise<Response>

export interface Around {
  readonly handle: Handle
  /** The pool of the end's database. */
  readonly pool: Pool
}

export type Breach = (around: Around) => Handle

interface Broken {
  readonly breach: Breach
  /** Those that are about it. */
  readonly points: readonly string[]
}

function pathOf({ url }: Request): string {
  return new URL(url).pathname.replace(/^.*\/v1/, 'v1')
}

/** Sends the request with another body. */
async function saying(request: Request, change: (body: string) => string | Promise<string>) {
  const body = await change(await request.text())
  return new Request(request.url, { method: request.method, headers: request.headers, body })
}

function changingRequests(paths: RegExp, change: (body: Body, around: Around) => unknown): Breach {
  return (around) => async (request) => {
    if (!paths.test(pathOf(request)) || request.headers.has('content-encoding')) {
      return await around.handle(request)
    }
    const changed = await saying(request, async (text) => {
      const [first = '', ...rest] = text.split('\n')
      try {
        const body = JSON.parse(first)
        await change(body, around)
        return [JSON.stringify(body), ...rest].join('\n')
      } catch {
        return text
      }
    })
    return await around.handle(changed)
  }
}

// A test that names a field knows that the operation has it.
type Body = Record<string, never> & { token: string; scope: string; tenant: string }

function changingAnswers(paths: RegExp, change: (text: string) => string): Breach {
  return ({ handle }) =>
    async (request) => {
      const response = await handle(request)
      if (!paths.test(pathOf(request)) || response.status !== 200) return response
      const headers = { 'content-type': response.headers.get('content-type') ?? '' }
      return new Response(change(await response.text()), { headers })
    }
}

/** Sends everything unpacked. */
function plainly(breach: Breach): Breach {
  return ({ handle, pool }) => {
    const plain: Handle = (request) => {
      request.headers.delete('accept-encoding')
      return handle(request)
    }
    return breach({ handle: plain, pool })
  }
}

const admitting: Breach =
  ({ handle }) =>
  async (request) => {
    const headers = new Headers(request.headers)
    headers.set('authorization', `Bearer ${secret}`)
    const body = request.method === 'GET' ? {} : { body: await request.arrayBuffer() }
    return await handle(new Request(request.url, { method: request.method, headers, ...body }))
  }

/** A batch that comes again is one too many. */
const forgetful: Breach =
  ({ handle }) =>
  async (request) => {
    const response = await handle(request)
    if (!/write$/.test(pathOf(request)) || response.status !== 200) return response
    const { repeated } = (await response.clone().json()) as { repeated: boolean }
    const problem = { type: 'about:blank', title: 'the rows are there', status: 409 }
    const headers = { 'content-type': 'application/problem+json' }
    return repeated ? new Response(JSON.stringify(problem), { status: 409, headers }) : response
  }

const currentToken = `select coalesce(
  (select token from rehome.tenant_flags where scope = $1 and tenant_id = $2),
  (select token from rehome.turns where scope = $1 and tenant_id = $2)) as token`
const lastTurn = 'update rehome.turns set token = $3 where scope = $1 and tenant_id = $2'

/** Accepts every caller as the holder. */
async function impersonate(body: Body, { pool }: Around): Promise<void> {
  const { scope, tenant } = body
  const { rows } = await pool.query(currentToken, [scope, tenant])
  if (!rows[0]?.token) return
  body.token = rows[0].token
  await pool.query(lastTurn, [scope, tenant, body.token])
}

/** Checks the flag's token alone, and not the turn. */
async function ignoreTurn({ scope, tenant, token }: Body, { pool }: Around): Promise<void> {
  await pool.query(lastTurn, [scope, tenant, token])
}

async function followOn(body: Record<string, unknown>, { pool }: Around): Promise<void> {
  const query = `select rows_read::int as "rowsRead", rows_written::int as "rowsWritten", done, cursor
    from rehome.copy_progress where scope = $1 and tenant_id = $2 and epoch = $3`
  const { rows } = await pool.query(query, [body.scope, body.tenant, body.epoch])
  // A repetition is one still.
  if (rows[0]?.rowsRead === (body.progress as { rowsRead: number }).rowsRead) return
  body.from = rows[0] ?? { rowsRead: 0, rowsWritten: 0, done: false, cursor: null }
}

async function anyMode(body: Record<string, unknown>, { pool }: Around): Promise<void> {
  const query = 'select mode from rehome.tenant_flags where scope = $1 and tenant_id = $2'
  const { rows } = await pool.query(query, [body.scope, body.tenant])
  if (rows[0] && body.mode !== 'read_only') body.mode = rows[0].mode
}

const plain: Breach =
  ({ handle }) =>
  async (request) => {
    const response = await handle(request)
    if (response.status === 200) return response
    const { status } = response
    const { detail, code } = (await response.json()) as { detail: string; code: string }
    const headers = { 'content-type': 'text/plain' }
    return new Response(`"${code}" ${detail}`, { status, headers })
  }

const lines = (text: string) => text.trimEnd().split('\n')

export const breaches: Readonly<Record<string, Broken>> = {
  'asks for no secret': {
    breach: admitting,
    points: ['auth.none', 'auth.wrong', 'requests.problems'],
  },
  'drops the last row of a page': {
    breach: changingAnswers(/read$/, (text) => {
      const [last = '', ...rows] = lines(text).reverse()
      return `${[...rows.slice(1).reverse(), last].join('\n')}\n`
    }),
    points: ['pages.once'],
  },
  'sends pages without a last line': {
    breach: changingAnswers(/read$/, (text) => `${lines(text).slice(0, -1).join('\n')}\n`),
    points: ['pages.last-line'],
  },
  'sums hashes wrongly': {
    breach: changingAnswers(/digest$/, (text) => text.replace(/"sum":"-?\d+/, '$&1')),
    points: ['digests.md5', 'digests.column', 'digests.given', 'digests.others', 'digests.empty'],
  },
  'has another hash function under the name of md5': {
    breach: plainly(changingAnswers(/v1$/, (text) => text.replace('-512754064142662312', '1'))),
    points: ['description.md5'],
  },
  'cannot repeat a batch': { breach: forgetful, points: ['batches.repeated'] },
  'takes batches that do not follow': {
    breach: changingRequests(/write$/, followOn),
    points: ['batches.gap'],
  },
  'writes without a token': {
    breach: changingRequests(/write$/, impersonate),
    points: ['batches.passed', 'batches.token'],
  },
  'writes for who had the turn once': {
    breach: changingRequests(/write$/, ignoreTurn),
    points: ['batches.passed'],
  },
  'removes without a token': {
    breach: changingRequests(/remove$/, impersonate),
    points: ['removals.token'],
  },
  'removes under any mode': {
    breach: changingRequests(/remove$/, anyMode),
    points: ['removals.mode'],
  },
  'lowers fences of others': {
    breach: changingRequests(/lower-fence$/, impersonate),
    points: ['fences.token', 'turns.passed'],
  },
  'renews for who had the turn once': {
    breach: changingRequests(/renew-lease$/, ignoreTurn),
    points: ['turns.passed'],
  },
  'knows no turns': {
    breach: changingAnswers(/take-turn$/, () => 'true'),
    points: ['turns.lower'],
  },
  'opens with any key': {
    breach: changingRequests(/open-with$/, async (body, { pool }) => {
      const query = 'select opened_by as key from rehome.tenant_flags where tenant_id = $1'
      const { rows } = await pool.query(query, [body.tenant])
      if (rows[0]?.key) Object.assign(body, { key: rows[0].key })
    }),
    points: ['cutovers.let-open'],
  },
  'looks at all rows, whatever keys are named': {
    breach: changingRequests(/read$|digest$/, (body) => {
      const { keys: _, ...rest } = body
      for (const name of Object.keys(body)) delete body[name]
      Object.assign(body, rest)
    }),
    points: ['steps.keys'],
  },
  'takes steps in any order': {
    breach: changingRequests(/apply$/, async (body, { pool }) => {
      const query = 'select step::int + 1 as next from rehome.checkpoints where tenant_id = $1'
      const { rows } = await pool.query(query, [body.tenant])
      Object.assign(body, { step: rows[0]?.next })
    }),
    points: ['steps.repeated', 'steps.gap', 'steps.collided'],
  },
  'takes steps without a token': {
    breach: changingRequests(/apply$/, impersonate),
    points: ['steps.passed'],
  },
  'keeps what is to be undone': {
    breach: changingRequests(/apply$/, (body) => void Object.assign(body, { undone: false })),
    points: ['steps.undone'],
  },
  'tells of no row that was left out': {
    breach: changingAnswers(/apply$/, (text) => text.replace(/"collided":\[1\]/, '"collided":[]')),
    points: ['steps.collided'],
  },
  'fences captures of any epoch': {
    breach: changingRequests(/fence-captured$/, async (body, { pool }) => {
      const query = 'select epoch from rehome.tenant_flags where tenant_id = $1'
      const { rows } = await pool.query(query, [body.tenant])
      if (rows[0]) Object.assign(body, rows[0])
    }),
    points: ['captures.fence'],
  },
  'tells problems in plain text': { breach: plain, points: ['requests.problems'] },
}
