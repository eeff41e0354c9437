import type { Command } from 'commander'
import type { ProxyOptions } from '../../dashboard/proxy.ts'
import { RehomeError } from '../../errors.ts'
import { createLog } from '../../log.ts'
import { integer, print, withRehome } from '../context.ts'
import { loadPlans } from '../load-plan.ts'
import { untilStopped } from '../until-stopped.ts'

export function addBoard(program: Command): void {
  program
    .command('board [plans...]')
    .description('pages of runs and tenants, and Bull Board, until stopped')
    .option('--host <address>', 'REHOME_BOARD_HOST, default 127.0.0.1; any other needs a token')
    .option('--port <port>', 'REHOME_BOARD_PORT, default 3400; 0: any that is free', integer)
    .option('--proxy <addresses>', 'REHOME_BOARD_PROXY: trusted proxies, which name their callers')
    .option('--user-header <name>', 'the header with the person, default X-Forwarded-User')
    .option('--groups-header <name>', 'the header with groups, default X-Forwarded-Groups')
    .option('--roles <role=group,…>', 'REHOME_BOARD_ROLES: groups that have a role; * is everybody')
    .action(board)
}

interface BoardFlags {
  host?: string
  port?: number
  proxy?: string
  userHeader?: string
  groupsHeader?: string
  roles?: string
}

/** Tokens come from the environment only: a command line can be read by everybody on a machine. */
async function board(files: string[], flags: BoardFlags): Promise<void> {
  const { REHOME_BOARD_HOST, REHOME_BOARD_PORT, REHOME_BOARD_HOSTS } = process.env
  const { REHOME_BOARD_TOKEN, REHOME_BOARD_APPROVER_TOKEN, REHOME_BOARD_VIEWER_TOKEN } = process.env
  const plans = await loadPlans(files)
  // Loaded here, because every other command is quicker without it.
  const { startBoard } = await import('../../dashboard/start-board.ts')
  const { listFrom } = await import('../../dashboard/proxy.ts')
  const proxy = await proxyOf(flags)
  await withRehome(async (rehome) => {
    await using running = await startBoard({
      rehome,
      host: flags.host ?? (REHOME_BOARD_HOST || undefined),
      port: flags.port ?? integer(REHOME_BOARD_PORT || '3400'),
      token: REHOME_BOARD_TOKEN || undefined,
      approverToken: REHOME_BOARD_APPROVER_TOKEN || undefined,
      viewerToken: REHOME_BOARD_VIEWER_TOKEN || undefined,
      proxy,
      allowedHosts: listFrom(REHOME_BOARD_HOSTS ?? ''),
      inspect: plans.length > 0 ? (options) => rehome.inspect(plans, options) : undefined,
      log: createLog(),
    })
    print(running.url)
    await untilStopped()
  })
}

/** undefined: no proxy is trusted. Throws USAGE where the other options are given without one. */
async function proxyOf(flags: BoardFlags): Promise<ProxyOptions | undefined> {
  const { REHOME_BOARD_PROXY, REHOME_BOARD_PROXY_SECRET, REHOME_BOARD_ROLES } = process.env
  const { userHeader, groupsHeader } = flags
  const { listFrom, readRoles } = await import('../../dashboard/proxy.ts')
  const from = listFrom(flags.proxy ?? REHOME_BOARD_PROXY ?? '')
  const roles = flags.roles ?? (REHOME_BOARD_ROLES || undefined)
  if (from.length === 0) {
    if ((userHeader ?? groupsHeader ?? flags.roles) === undefined) return undefined
    throw new RehomeError('USAGE', 'set --proxy to the addresses that these headers may come from')
  }
  return {
    from,
    userHeader,
    groupsHeader,
    secret: REHOME_BOARD_PROXY_SECRET || undefined,
    roles: roles === undefined ? undefined : readRoles(roles),
  }
}
