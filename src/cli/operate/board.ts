import type { Command } from 'commander'
import { createLog } from '../../log.ts'
import { integer, print, withRehome } from '../context.ts'
import { untilStopped } from '../until-stopped.ts'

export function addBoard(program: Command): void {
  program
    .command('board')
    .description('Bull Board and a page for every tenant, until stopped')
    .option('--host <address>', 'REHOME_BOARD_HOST, default 127.0.0.1; any other needs a token')
    .option('--port <port>', 'REHOME_BOARD_PORT, default 3400; 0: any that is free', integer)
    .action(board)
}

/** Tokens come from the environment only: a command line can be read by everybody on a machine. */
async function board(flags: { host?: string; port?: number }): Promise<void> {
  const { REHOME_BOARD_HOST, REHOME_BOARD_PORT, REHOME_BOARD_HOSTS } = process.env
  const { REHOME_BOARD_TOKEN, REHOME_BOARD_VIEWER_TOKEN } = process.env
  // Loaded here, because every other command is quicker without it.
  const { startBoard } = await import('../../dashboard/start-board.ts')
  await withRehome(async (rehome) => {
    await using running = await startBoard({
      rehome,
      host: flags.host ?? (REHOME_BOARD_HOST || undefined),
      port: flags.port ?? integer(REHOME_BOARD_PORT || '3400'),
      token: REHOME_BOARD_TOKEN || undefined,
      viewerToken: REHOME_BOARD_VIEWER_TOKEN || undefined,
      allowedHosts: (REHOME_BOARD_HOSTS ?? '')
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
      log: createLog(),
    })
    print(running.url)
    await untilStopped()
  })
}
