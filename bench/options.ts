/** Benches that there are, and how a call of one is read. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { backlog } from './backlog.ts'
import type { Bench, BenchSize } from './bench.ts'
import { latency } from './calls/latency.ts'
import { tables } from './calls/tables.ts'
import { calls } from './calls.ts'
import { fence } from './fence.ts'
import { fleet } from './fleet/fleet.ts'
import { growth } from './growth.ts'
import { loadNames } from './load.ts'
import { pause } from './pause.ts'
import { recovery } from './recovery.ts'
import { copy, move, tenants, verify } from './shards.ts'

const benches: readonly Bench[] = [
  copy,
  verify,
  move,
  tenants,
  growth,
  pause,
  fence,
  recovery,
  calls,
  backlog,
  fleet,
  latency,
  tables,
]

export interface Wishes extends BenchSize {
  readonly json?: true
  readonly check?: true
  readonly load: string
}

const more = `
Benches:
${benches.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}`).join('\n')}

Exit codes:
  0  measured      1  failed, or --check and an aim was missed      2  a mistake in the call

Examples:
  npm run bench -- fence
  npm run --silent bench -- fence --json > fence.json
`

function program(): Command {
  const count = (text: string) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
    throw new InvalidArgumentError('It has to be a whole number from 1.')
  }
  return new Command('bench')
    .description('measures rehome, on servers that it starts for the purpose')
    .addArgument(new Argument('<bench>').choices(benches.map(({ name }) => name)))
    .addOption(
      new Option('--rows <n>', 'of a tenant or a large statement')
        .argParser(count)
        .default(200_000),
    )
    .addOption(
      new Option('--tenants <n>', 'of a backlog (1,000,000) or a fleet (300)').argParser(count),
    )
    .addOption(new Option('--runs <n>', 'rounds of all variants').argParser(count).default(12))
    .addOption(new Option('--seconds <n>', 'length of a slice').argParser(count).default(2))
    .addOption(new Option('--load <program>', 'clients').choices([...loadNames]).default('auto'))
    .option('--json', 'print one JSON object and nothing else')
    .option('--check', 'exit with 1 where an aim was missed')
    .addHelpText('after', more)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
}

/** Throws a CommanderError: its message is one line, and its exit code 0 where help was printed. */
export function readCall(argv: readonly string[]): { bench: Bench; wishes: Wishes } {
  const command = program().parse(argv, { from: 'user' })
  const bench = benches.find(({ name }) => name === command.args[0])
  if (!bench) throw new Error(`there is no bench "${command.args[0]}"`)
  return {
    bench,
    wishes: {
      tenants: bench.tenants ?? 300,
      ...command.opts<Omit<Wishes, 'tenants'> & Partial<Wishes>>(),
    },
  }
}
