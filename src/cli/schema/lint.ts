/** `rehome lint`: what in migration files would stop an application or lose rows. */
import { type Command, Option } from 'commander'
import { version } from '../../coordinator/enqueue.ts'
import { RehomeError } from '../../errors.ts'
import { shownPath } from '../../lint/files.ts'
import { annotation, countsText, type Format, findingText, formats } from '../../lint/formats.ts'
import { type Dialect, dialects, lint } from '../../lint/lint.ts'
import type { Finding, RuleText } from '../../lint/rule.ts'
import { sarifLog } from '../../lint/sarif.ts'
import { withoutNames } from '../../lint/wording.ts'
import { checkPlan } from '../../plan/check-plan.ts'
import { plannedNames } from '../../plan/planned-names.ts'
import { jsonText, note, print } from '../context.ts'
import { loadPlan } from '../load-plan.ts'
import { step } from '../next-steps.ts'
import { safe, tableText } from '../print.ts'

const examples = `
Exit codes: 0 no error was found, 2 a file or an option is wrong, 3 an error was found.
Warnings do not change the exit code.

Examples:
  rehome lint migrations/
  rehome lint db/migrate --since origin/main --format github
  pg_dump --schema-only … | rehome lint -
`

export function addLint(program: Command): void {
  program
    .command('lint')
    .description('find changes of a schema that stop the application; reads migration files only')
    .argument('[paths...]', 'files, folders of migrations, or - for standard input')
    .option('--since <revision>', 'report only files that differ from this Git revision')
    .addOption(
      new Option('--dialect <dialect>', 'database of the files')
        .choices(dialects)
        .default('postgresql'),
    )
    .addOption(new Option('--format <format>', 'form of the report').choices(formats))
    .option('--json', 'the same as --format json')
    .option('--assume-version <version>', 'oldest server that runs them (default: 13, MySQL 8.0)')
    .option('--plan <plan>', 'also report what changes mean for the moves of this plan')
    .option('--list', 'list the rules instead')
    .addHelpText('after', examples)
    .action(lintFiles)
}

interface LintFlags {
  readonly since?: string
  readonly dialect: Dialect
  readonly format?: Format
  readonly json?: boolean
  readonly assumeVersion?: string
  readonly plan?: string
  readonly list?: boolean
}

async function lintFiles(paths: readonly string[], flags: LintFlags): Promise<void> {
  const format = flags.json ? 'json' : (flags.format ?? 'text')
  if (flags.list) return printRules(await rulesFor(flags.dialect), format)
  if (paths.length === 0) {
    const message = 'name files, folders of migrations, or - for standard input'
    throw new RehomeError('USAGE', message)
  }
  const { since, dialect, assumeVersion } = flags
  const plannedTables =
    flags.plan === undefined ? [] : plannedNames(checkPlan(await loadPlan(flags.plan)))
  const findings = await lint(paths, { since, dialect, assumeVersion, plannedTables })
  await report(findings, { format, dialect })
  if (findings.some(({ level }) => level === 'error')) process.exitCode = 3
}

async function report(
  findings: readonly Finding[],
  { format, dialect }: { format: Format; dialect: Dialect },
): Promise<void> {
  const nextSteps = findings.length > 0 ? [step('lint', '--list')] : []
  if (format === 'json') print(jsonText({ findings, nextSteps }, 2))
  else if (format === 'sarif') {
    const tool = { version: version(), rules: await rulesFor(dialect), shownPath }
    print(JSON.stringify(sarifLog(findings, tool), null, 2))
  } else if (format === 'github') for (const finding of findings) print(annotation(finding))
  else {
    for (const finding of findings) print(`${printable(findingText(finding))}\n`)
    note(countsText(findings))
  }
}

/** Names in files may be hostile to a terminal. */
function printable(text: string): string {
  return text
    .split('\n')
    .map((line) => safe(line, 1000))
    .join('\n')
}

/** Loaded only here: other commands do not wait for them. */
async function rulesFor(dialect: Dialect): Promise<readonly RuleText[]> {
  const { rulesOf } = await import('../../lint/rules-of.ts')
  return rulesOf(dialect)
}

function printRules(rules: readonly RuleText[], format: Format): void {
  const rows = rules.map(({ code, level, lock, title }) => {
    return [code, level, lock ?? '', withoutNames(title)]
  })
  const table = tableText([['rule', 'level', 'lock', 'finds'], ...rows])
  print(format === 'json' ? jsonText({ rules, nextSteps: [] }, 2) : table)
}
