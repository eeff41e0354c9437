// The programs that tests start as processes of their own. global-setup.ts compiles them once for
// the whole run: plain JavaScript starts in a third of the time that a loader takes.
import { inject } from 'vitest'
import { compiledFile } from '../../../dev/compiled-program.ts'

export const programs = [
  'chaos/main.ts',
  'dev/rehome.ts',
  'test/helpers/processes/command-server.ts',
  'test/helpers/processes/worker-process.ts',
] as const

/** The compiled file of a program, in a test that runs with servers. */
export function programFile(source: (typeof programs)[number]): string {
  return compiledFile(inject('programs'), source)
}
