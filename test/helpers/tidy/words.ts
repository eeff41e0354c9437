// Words that stand in two places stand there alike: error codes, phases, the names of stages.
import { createHash } from 'node:crypto'
import { basename } from 'node:path/posix'
import {
  childOf,
  childrenOf,
  filesIn,
  lineAt,
  nodesIn,
  nodesOf,
  type Sources,
  textOf,
} from './sources.ts'

type Codes = Readonly<Record<string, { readonly retryable: boolean; readonly exitCode: number }>>

/**
 * Sections of docs/errors.md. Each has the code as its heading, a line with "Retried automatically"
 * and "Exit code", what happened, and what to do.
 */
export function wronglyDocumentedCodes(codes: Codes, sources: Sources): string[] {
  const text = sources.get('docs/errors.md') ?? ''
  const sections = text.split(/^(?=#)/m).flatMap((section) => {
    const [, code, body] = /^### `([A-Z_]+)`\n(.*)/s.exec(section) ?? []
    return code === undefined || body === undefined ? [] : [{ code, body }]
  })
  const known = Object.keys(codes)
  return [
    ...known
      .filter((code) => !sections.some((section) => section.code === code))
      .map((code) => `${code} is not documented`),
    ...sections.flatMap((section, i) => [
      ...(known.includes(section.code) ? [] : [`${section.code} is documented, and no code`]),
      ...(sections.findIndex((other) => other.code === section.code) < i
        ? [`${section.code} is documented twice`]
        : []),
      ...mistakesIn(section.body, codes[section.code]).map((fault) => `${section.code}: ${fault}`),
    ]),
  ]
}

const errorSection =
  /^\nRetried automatically: (yes|no)\b.*?\. Exit code: (\d)\.\n\n[\w`].*\n\n\*\*What to do:\*\* \w/s

function mistakesIn(body: string, code: Codes[string] | undefined): string[] {
  const [, again, exitCode] = errorSection.exec(body) ?? []
  if (again === undefined) return ['its section lacks what happened, or what to do']
  if (!code) return []
  return [
    ...(again === (code.retryable ? 'yes' : 'no') ? [] : [`tried again: ${code.retryable}`]),
    ...(exitCode === String(code.exitCode) ? [] : [`its exit code is ${code.exitCode}`]),
  ]
}

/** Thrown: the first argument of `new RehomeError` or of a function that makes one. */
export function unthrownCodes(codes: Codes, sources: Sources): string[] {
  const thrown = new Set(
    filesIn(sources, /^(src|jobs)\/.*\.ts$/).flatMap(([, text]) =>
      nodesOf(text, 'NewExpression', 'CallExpression')
        .filter((node) => childOf(node, 'callee')?.type === 'Identifier')
        .map((node) => textOf(childrenOf(node, 'arguments')[0])),
    ),
  )
  return Object.keys(codes)
    .filter((code) => !thrown.has(code))
    .map((code) => `${code} is thrown nowhere`)
}

interface Phases {
  readonly working: readonly string[]
  readonly settled: readonly string[]
}

export function phasesOf(sources: Sources): Phases {
  const text = sources.get('src/phases.ts') ?? ''
  const named = (type: string, name: string) =>
    nodesOf(text, type).filter((node) => textOf(childOf(node, 'id')) === name)
  const inside = named('VariableDeclarator', 'workingPhases').flatMap((node) => [...nodesIn(node)])
  const working = inside
    .filter((node) => node.type === 'Property' && textOf(childOf(node, 'key')) === 'name')
    .flatMap((node) => textOf(childOf(node, 'value')) ?? [])
  const settled = named('TSTypeAliasDeclaration', 'SettledPhase')
    .flatMap((node) => [...nodesIn(node)].filter(({ type }) => type === 'Literal'))
    .flatMap((node) => textOf(node) ?? [])
  return { working, settled }
}

/** The control database's CHECK, as the last migration that says it has it. */
export function wrongPhases(sources: Sources): string[] {
  const { working, settled } = phasesOf(sources)
  const checks = filesIn(sources, /^migrations\/control\/.*\.sql$/)
    .sort(([left], [right]) => left.localeCompare(right))
    .flatMap(
      ([, text]) => /"phase is a known word" check \(phase in \(([^)]*)\)/.exec(text)?.[1] ?? [],
    )
  const checked = [...(checks.at(-1) ?? '').matchAll(/'(\w+)'/g)].map(([, word]) => word)
  const all = [...working, ...settled]
  return [
    ...(all.length === 0 ? ['no phase was found'] : []),
    ...all.filter((phase) => !checked.includes(phase)).map((phase) => `the CHECK lacks '${phase}'`),
    ...checked
      .filter((word) => !all.some((phase) => phase === word))
      .map((word) => `the CHECK has '${word}', and no phase is called that`),
  ]
}

/**
 * The index of open moves names the phases before the cutover, in their order: PostgreSQL uses it
 * only for queries that say the same, and these derive their list from phases.ts.
 */
export function wrongGates(sources: Sources): string[] {
  const phases = (sources.get('src/phases.ts') ?? '').matchAll(
    /\{\s+name: '(\w+)',\s+fails: 'back'/g,
  )
  const before = [...phases].map(([, name]) => name).join(', ')
  return filesIn(sources, /^migrations\/control\/.*\.sql$/).flatMap(([path, text]) =>
    [...text.matchAll(/phase not in \(([^)]*)\)/g)]
      .map(([, list = '']) => [...list.matchAll(/'(\w+)'/g)].map(([, word]) => word).join(', '))
      .filter((list) => list !== before)
      .map((list) => `${path} has (${list}) for the phases before the cutover`),
  )
}

/** A stage's file is called as its phase is; every phase that something is done in has a stage. */
export function wrongStages(sources: Sources): string[] {
  const stages = filesIn(sources, /^src\/stages\/.*\.ts$/).flatMap(([path, text]) =>
    nodesOf(text, 'ExportNamedDeclaration')
      .flatMap((node) => childrenOf(childOf(node, 'declaration'), 'declarations'))
      .filter((node) => typeNameOf(node) === 'Stage')
      .map((node) => ({ path, phase: phaseOf(node) })),
  )
  const { working } = phasesOf(sources)
  const done = working.filter((phase) => phase !== 'queued')
  return [
    ...stages
      .filter(({ path, phase }) => basename(path, '.ts').replaceAll('-', '_') !== phase)
      .map(({ path, phase }) => `${path} is the stage of '${phase}'`),
    ...done
      .filter((phase) => !stages.some((stage) => stage.phase === phase))
      .map((phase) => `phase '${phase}' has no stage`),
  ]
}

function typeNameOf(declarator: Parameters<typeof childOf>[0]): string | undefined {
  const annotation = childOf(childOf(declarator, 'id'), 'typeAnnotation')
  return textOf(childOf(childOf(annotation, 'typeAnnotation'), 'typeName'))
}

function phaseOf(declarator: Parameters<typeof childOf>[0]): string | undefined {
  const properties = childrenOf(childOf(declarator, 'init'), 'properties')
  return textOf(
    childOf(
      properties.find((p) => textOf(childOf(p, 'key')) === 'phase'),
      'value',
    ),
  )
}

/**
 * Words and beginnings of paths that belong to a place where somebody worked on this, not to the
 * product. Only their hashes stand here, so that this file does not contain them either.
 */
const foreign = new Set([
  'c857d09db23e6822',
  'c70eca6b0f88f44d',
  '3ea125d0bff386e6',
  '60965168ce762e94',
  '7d3194f79e645c42',
  'b06493481529746e',
  'f2af6c097ab83376',
  'bbb98a33b1e04c2f',
  'bf529d5bdf18c514',
])

export function foreignWords(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) =>
    [...new Set(text.toLowerCase().match(/[a-z]+(-[a-z]+)*|\/[\w.-]+\/[\w.-]+/g) ?? [])]
      .filter((word) => foreign.has(hashOf(word)))
      .map((word) => `${path} says "${word}"`),
  )
}

function hashOf(word: string): string {
  return createHash('sha256').update(word).digest('hex').slice(0, 16)
}

/**
 * Places that may open a connection: those whose calls are heard, the queue's, and the
 * application's own, by which no tenant is moved.
 */
const doors = [
  'src/postgres.ts',
  'src/queue/queues.ts',
  'src/queue/redis-url.ts',
  'src/client/home.ts',
]

/** A connection past them would be one that no crash is tried at. */
export function unheardConnections(sources: Sources): string[] {
  return filesIn(sources, /^(src|jobs)\/.*\.ts$/)
    .filter(([path]) => !doors.includes(path))
    .flatMap(([path, text]) =>
      nodesOf(text, 'NewExpression')
        .map((node) => childOf(node, 'callee'))
        .map((callee) => textOf(callee) ?? textOf(childOf(callee, 'property')) ?? '')
        .filter((name) => /^(Pool|Client|Redis)$/.test(name))
        .map((name) => `${path} opens a ${name} of its own`),
    )
}

/**
 * Kysely joins fragments with `and`, which binds closer than an `or` in one of them: then the `or`
 * sets aside every other condition of the query.
 */
export function looseAlternatives(sources: Sources): string[] {
  return filesIn(sources, /^(src|jobs)\/.*\.ts$/)
    .filter(([, text]) => /from 'kysely'/.test(text))
    .flatMap(([path, text]) =>
      nodesOf(text, 'TaggedTemplateExpression')
        .filter((node) => textOf(childOf(node, 'tag')) === 'sql')
        .filter((node) => hasLooseOr(text.slice(node.start, node.end)))
        .map((node) => `${path}:${lineAt(text, node.start)} has an \`or\` without parentheses`),
    )
}

/** Finds an `or` in a template literal; values and quoted texts are not looked into. */
function hasLooseOr(template: string): boolean {
  const text = template.replace(/\$\{[^}]*\}|'[^']*'|"[^"]*"/g, '')
  let depth = 0
  for (const [word] of text.matchAll(/[()]|\bor\b/gi)) {
    if (word === '(') depth += 1
    else if (word === ')') depth -= 1
    else if (depth === 0) return true
  }
  return false
}
