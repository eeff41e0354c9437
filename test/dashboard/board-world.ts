// A board over a world, and requests to it. They go over node:http, because fetch() sets Host and
// leaves no way to say another one.
import { request } from 'node:http'
import type { Job, JobState } from 'bullmq'
import { expect } from 'vitest'
import { type Board, type BoardOptions, startBoard } from '../../src/dashboard/start-board.ts'
import { createLog } from '../../src/log.ts'
import { eventually } from '../helpers/eventually.ts'
import type { World } from '../helpers/world.ts'

export const operatorToken = 'operator-0123456789abcdef'
export const approverToken = 'approver-0123456789abcdef'
export const viewerToken = 'viewer-0123456789abcdef'
export const tokens = { token: operatorToken, approverToken, viewerToken }

/** Gives the tenant a row that `noPoison` refuses at the target. */
export async function poison(world: World, tenant: string): Promise<void> {
  const query = `insert into notes (tenant_id, body) values ($1, 'poison')`
  await world.source.pool.query(query, [tenant])
}

export async function cure(world: World, tenant = '%'): Promise<void> {
  const query = `delete from notes where body = 'poison' and tenant_id like $1`
  await world.source.pool.query(query, [tenant])
}

export type TestBoardOptions = Omit<BoardOptions, 'rehome' | 'log'> & {
  log?: BoardOptions['log']
}

export async function openBoard(world: World, options: TestBoardOptions = {}): Promise<Board> {
  const log = options.log ?? createLog({ level: process.env.LOG_LEVEL ?? 'silent' })
  return await startBoard({ rehome: world.rehome, ...options, log })
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly json: unknown
}

export interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

export async function ask(board: Board, path: string, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = asked
  return await new Promise((resolve, reject) => {
    const options = { method, headers, path, agent: false }
    const sent = request(board.url, options, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      const { statusCode: status = 0, headers } = response
      resolve({ status, headers, text, json: parsed(text) })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** The cookie that a browser would send along after it was given the token. */
export async function cookieFor(board: Board, token: string): Promise<string> {
  const answer = await ask(board, `/?token=${token}`)
  return String(answer.headers['set-cookie']).split(';', 1)[0] ?? ''
}

/** The job of the tenant's move, once it is in this state: a move ends before its job does. */
export async function jobOf(world: World, tenant: string, state: JobState): Promise<Job> {
  return await eventually(async () => {
    const jobs = await world.rehome.queues.byErrand.move.getJobs()
    const job = jobs.find((candidate) => candidate.data.tenantId === tenant)
    if (!job) throw new Error(`no job of ${tenant}`)
    expect(await job.getState()).toBe(state)
    return job
  })
}

export function retryPath(job: Job): string {
  return `/api/queues/${job.queueName}/${job.id}/retry`
}
