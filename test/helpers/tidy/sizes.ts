// How large things may be. What is larger says too many things at once.
import {
  childOf,
  childrenOf,
  filesIn,
  lineAt,
  type Node,
  nodesOf,
  type Sources,
  textOf,
} from './sources.ts'

const fileLinesMax = 300
const functionLinesMax = 60
const lineCharactersMax = 100
const parametersMax = 3

const ours =
  /^(src|jobs|test|dev|demo|examples|bench|chaos|conformance|fuzz)\/.*\.(ts|mjs)$|^[^/]+\.ts$/

export function oversizeFiles(sources: Sources): string[] {
  return filesIn(sources, ours).flatMap(([path, text]) => {
    const lines = text.replace(/\n$/, '').split('\n').length
    return lines > fileLinesMax ? [`${path} has ${lines} lines`] : []
  })
}

const functions = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

/** But for the chaos, whose run is one long story. */
export function oversizeFunctions(sources: Sources): string[] {
  const files = filesIn(sources, ours).filter(([path]) => path !== 'chaos/run.ts')
  return files.flatMap(([path, text]) => {
    const lines = (node: Node) => lineAt(text.slice(node.start), node.end - node.start)
    const large = nodesOf(text, ...functions).filter((node) => lines(node) > functionLinesMax)
    return large
      .filter((node) => !isSuite(text, node))
      .map((node) => `${path}:${lineAt(text, node.start)} is a function of ${lines(node)} lines`)
  })
}

/** `describe(…, () => {…})` is a chapter, not a function: its tests are what is measured. */
function isSuite(text: string, node: Node): boolean {
  return nodesOf(text, 'CallExpression').some((call) => {
    const last = childrenOf(call, 'arguments').at(-1)
    return last === node && /^describe/.test(text.slice(call.start, call.end))
  })
}

/**
 * The formatter breaks code at a hundred characters, and leaves texts and patterns as they are: so
 * a line may be longer by what stands inside of those. Comments are broken by hand.
 */
export function longLines(sources: Sources): string[] {
  return filesIn(sources, ours).flatMap(([path, text]) => {
    const long = linesOf(text).filter(({ line }) => charactersIn(line) > lineCharactersMax)
    return long
      .filter(({ line, start }) => charactersIn(line) - inLiterals(text, start) > lineCharactersMax)
      .map(({ line, number }) => `${path}:${number} has ${charactersIn(line)} characters`)
  })
}

/** How many characters of the line that starts here stand inside of texts and patterns. */
function inLiterals(text: string, start: number): number {
  const end = start + (text.slice(start).split('\n', 1)[0]?.length ?? 0)
  return nodesOf(text, 'Literal', 'TemplateElement')
    .filter((node) => typeof node.value !== 'number' && node.start < end && node.end > start)
    .map((node) => charactersIn(text.slice(Math.max(node.start, start), Math.min(node.end, end))))
    .reduce((sum, characters) => sum + characters, 0)
}

function charactersIn(line: string): number {
  return [...line].length
}

function linesOf(text: string): { line: string; start: number; number: number }[] {
  let start = 0
  return text.split('\n').map((line, i) => {
    const found = { line, start, number: i + 1 }
    start += line.length + 1
    return found
  })
}

/** Exported functions: few parameters by position, and no boolean, which is mute at the call. */
export function badParameters(sources: Sources): string[] {
  return filesIn(sources, ours).flatMap(([path, text]) =>
    exportedFunctions(text).flatMap(({ name, node }) => {
      const parameters = childrenOf(node, 'params')
      const where = `${path}:${lineAt(text, node.start)} ${name}`
      return [
        ...(parameters.length > parametersMax
          ? [`${where} has ${parameters.length} parameters`]
          : []),
        ...(parameters.some(isBoolean) ? [`${where} has a boolean parameter`] : []),
      ]
    }),
  )
}

function exportedFunctions(text: string): { name: string; node: Node }[] {
  const exports = nodesOf(text, 'ExportNamedDeclaration', 'ExportDefaultDeclaration')
  const named = exports.flatMap((node) =>
    childrenOf(node, 'specifiers').map((s) => textOf(childOf(s, 'local'))),
  )
  const declared = exports.flatMap((node) => childOf(node, 'declaration') ?? [])
  const later = nodesOf(
    text,
    'FunctionDeclaration',
    'VariableDeclaration',
    'ClassDeclaration',
  ).filter((node) => namesOf(node).some((name) => named.includes(name)))
  return [...declared, ...later].flatMap(functionsOf)
}

function namesOf(node: Node): (string | undefined)[] {
  const declared = childrenOf(node, 'declarations')
  return [node, ...declared].map((entry) => textOf(childOf(entry, 'id')))
}

function functionsOf(node: Node): { name: string; node: Node }[] {
  const name = textOf(childOf(node, 'id')) ?? 'default'
  if (functions.includes(node.type)) return [{ name, node }]
  const methods = childrenOf(childOf(node, 'body'), 'body').flatMap((member) => {
    const method = childOf(member, 'value')
    const key = textOf(childOf(member, 'key')) ?? '?'
    return method && functions.includes(method.type)
      ? [{ name: `${name}.${key}`, node: method }]
      : []
  })
  const variables = childrenOf(node, 'declarations').flatMap((entry) => {
    const value = childOf(entry, 'init')
    const key = textOf(childOf(entry, 'id')) ?? '?'
    return value && functions.includes(value.type) ? [{ name: key, node: value }] : []
  })
  return [...methods, ...variables]
}

function isBoolean(parameter: Node): boolean {
  const inner = childOf(parameter, 'parameter') ?? parameter
  const initial = childOf(inner, 'right')
  if (inner.type === 'AssignmentPattern' && typeof initial?.value === 'boolean') return true
  const typed = childOf(inner, 'left') ?? inner
  const type = childOf(childOf(typed, 'typeAnnotation'), 'typeAnnotation')
  const types = type?.type === 'TSUnionType' ? childrenOf(type, 'types') : [type]
  return types.some((one) => one?.type === 'TSBooleanKeyword')
}

const assertionsMax = 40

/** All assertions, once there are too many. `as const` asserts nothing. */
export function typeAssertions(sources: Sources): string[] {
  const found = filesIn(sources, /^src\/.*\.ts$/).flatMap(([path, text]) =>
    nodesOf(text, 'TSAsExpression')
      .map((node) => ({ at: lineAt(text, node.start), source: text.slice(node.start, node.end) }))
      .filter(({ source }) => !source.endsWith(' as const'))
      .map(({ at, source }) => `${path}:${at} asserts ${source.split(' as ').at(-1)}`),
  )
  return found.length > assertionsMax ? found : []
}

export function anyTypes(sources: Sources): string[] {
  return filesIn(sources, ours).flatMap(([path, text]) =>
    nodesOf(text, 'TSAnyKeyword').map((node) => `${path}:${lineAt(text, node.start)} says any`),
  )
}
