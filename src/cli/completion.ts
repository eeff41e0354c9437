import { Argument, type Command, type Option } from 'commander'
import { print } from './context.ts'
import { bashScript, fishScript, type Known, shells, zshScript } from './shell-scripts.ts'

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options, for a shell to source')
    .addArgument(new Argument('<shell>', 'which shell').choices([...shells]))
    .action((shell: (typeof shells)[number]) => {
      const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }
      print(scripts[shell](program.name(), knownOf(program)))
    })
}

/** Names, options and words as the commands themselves have them. */
export function knownOf(program: Command): Known[] {
  const of = (command: Command, path: readonly string[]): Known[] => [
    {
      path,
      description: command.description(),
      options: [...command.options.map(optionOf), helpOption],
      words: [
        ...command.commands.map((below) => below.name()),
        ...command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
      ],
    },
    ...command.commands.flatMap((below) => of(below, [...path, below.name()])),
  ]
  return of(program, [])
}

const helpOption = {
  names: ['--help', '-h'],
  description: 'display help',
  takes: 'nothing',
} as const

function optionOf({ short, long, description, required, optional, argChoices }: Option) {
  const names = [long, short].filter((name) => name !== undefined)
  const value = argChoices ?? ('value' as const)
  return { names, description, takes: required || optional ? value : ('nothing' as const) }
}
