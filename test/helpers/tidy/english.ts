/**
 * Plain technical English: subject, verb, object, in the words of the field. A test can hold a few
 * rules of it: words that hide who acts, comments without a subject.
 */
import { execFile } from 'node:child_process'
import { basename } from 'node:path/posix'
import { promisify } from 'node:util'
import { pages } from './pages.ts'
import {
  childOf,
  childrenOf,
  filesIn,
  lineAt,
  type Node,
  nodesIn,
  nodesOf,
  type Sources,
  textOf,
} from './sources.ts'

const folders = 'src|jobs|bin|migrations|chaos|fuzz|bench|demo|dev|conformance|examples'
const code = new RegExp(`^(${folders})/.*\\.(ts|mjs|js|sql)$|^[^/]+\\.ts$`)
/** But for the samples of these rules. */
const tests = /^test\/(?!tidy\/).*\.test\.ts$/
const testCode = /^test\/(?!tidy\/).*\.ts$/

/** Words that hide who acts or what happens. A comment may break a line within them. */
const hiding = [
  'whoever',
  // But for the user and the plan's option of that name.
  "(?<![.`])(?:(?<!')nobody(?!\\??:)|nobody(?!'|\\??:))",
  'ought',
  '(?:is|are|was|were|be|been) told(?! apart)',
  'goes by',
  'go by',
  'any more',
  'hangs? on',
  'such as have',
  'others have',
].map((words) => words.replaceAll(' ', '[\\s*/-]+'))
const hidingWords = new RegExp(`\\b(?:${hiding.join('|')})\\b`, 'gi')

/** Programs, pages and columns do not speak: they show, set, mean, define or refuse. */
const speaking = /\b(?:says|said)\b/gi
const product = /^(src|jobs|bin|migrations)\/.*\.(ts|js|sql)$/

export function speakingThings(sources: Sources): string[] {
  return [...filesIn(sources, product), ...filesIn(sources, pages)].flatMap(([path, text]) =>
    [...text.matchAll(speaking)].map(({ 0: word, index }) => said(path, lineAt(text, index), word)),
  )
}

/** In tests of comments alone: their values may be any word. */
export function privateWords(sources: Sources): string[] {
  const texts = [...filesIn(sources, code), ...filesIn(sources, pages)]
  const comments = filesIn(sources, testCode).map(
    ([path, text]) => [path, text.replace(/^(?!\s*(\/\/|\/?\*)).*$/gm, '')] as const,
  )
  return [...texts, ...comments].flatMap(([path, text]) =>
    [...text.matchAll(hidingWords)].map(({ 0: words, index }) =>
      said(path, lineAt(text, index), words),
    ),
  )
}

/** `withApi` and its like are tests that one kind of end lacks. */
const titled = /^(test|it|describe\w*|with(out)?[A-Z]\w*|onlyWith\w*)\b/

/** Titles of suites and tests, those in the tables of `test.each` among them. */
export function privateTitles(sources: Sources): string[] {
  return filesIn(sources, tests).flatMap(([path, text]) =>
    nodesOf(text, 'CallExpression')
      .filter((call) => titled.test(text.slice(call.start, call.end)))
      .flatMap((call) => titlesOf(text, call))
      .flatMap(({ title, start }) =>
        [...title.matchAll(hidingWords)].map(([words]) => said(path, lineAt(text, start), words)),
      ),
  )
}

function titlesOf(text: string, call: Node): { title: string; start: number }[] {
  const first = childrenOf(call, 'arguments')[0]
  const isTable = /\.each\b[^(]*\(\s*$/.test(text.slice(call.start, first?.start))
  const nodes = isTable && first ? [...nodesIn(first)] : first ? [first] : []
  return nodes
    .filter(({ type }) => type === 'Literal' || type === 'TemplateLiteral')
    .map((node) => ({ title: textOf(node) ?? text.slice(node.start, node.end), start: node.start }))
    .filter(({ title }) => title.includes(' '))
}

function said(path: string, line: number, words: string): string {
  return `${path}:${line} says "${words.replace(/[\s*/-]+/g, ' ').toLowerCase()}"`
}

const withoutSubject = /\/\*\*(?:\s|\*(?!\/))*(Of|As|With|By|Who|Whose|What|The same)\b/g

/** Doc comments begin with a noun or a verb. */
export function vagueComments(sources: Sources): string[] {
  return [...filesIn(sources, code), ...filesIn(sources, testCode)].flatMap(([path, text]) =>
    [...text.matchAll(withoutSubject)].map(
      ({ 1: word, index }) => `${path}:${lineAt(text, index)} has a comment that begins "${word}"`,
    ),
  )
}

const beside = ['docs', 'test', 'bench', 'build', 'src']

/** Areas of commits: folders, files of src beside its folders, and `rehome` for all of them. */
function areasOf(sources: Sources): ReadonlySet<string> {
  const folders = [...sources.keys()].flatMap((path) => path.split('/').slice(0, -1))
  const files = filesIn(sources, /^src\/[\w-]+\.ts$/).map(([path]) => basename(path, '.ts'))
  return new Set([...beside, ...folders, ...files])
}

/** Subjects of commits that are not of the form `area: what the commit does`. */
export function vagueSubjects(subjects: readonly string[], sources: Sources): string[] {
  const areas = areasOf(sources)
  return subjects.filter((subject) => {
    const [, area] = /^([a-z][a-z-]*): [^\sA-Z].*[^.\s]$/.exec(subject) ?? []
    return area === undefined || !areas.has(area)
  })
}

/** Subjects of the newest commits; none where this is no clone. */
export async function newestSubjects(folder: string): Promise<string[]> {
  const args = ['log', '-20', '--no-merges', '--format=%s']
  const { stdout } = await promisify(execFile)('git', args, { cwd: folder }).catch(() => ({
    stdout: '',
  }))
  return stdout.split('\n').filter((subject) => subject !== '')
}

/** They tell that something was done, and not what the value is. */
const participles = ['told', 'said', 'asked', 'seen', 'found', 'given', 'wanted', 'known']
const functions = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

/** Variables and parameters are nouns. A property that is taken out of an object keeps its name. */
export function participleNames(sources: Sources): string[] {
  return filesIn(sources, /^(src|jobs)\/.*\.ts$/).flatMap(([path, text]) => {
    const variables = nodesOf(text, 'VariableDeclarator').map((node) => childOf(node, 'id'))
    const parameters = nodesOf(text, ...functions).flatMap((node) => childrenOf(node, 'params'))
    return [...variables, ...parameters]
      .flatMap(namesIn)
      .filter(({ name }) => participles.some((word) => word === name))
      .map(({ name, start }) => `${path}:${lineAt(text, start)} calls a value "${name}"`)
  })
}

/** The names that a pattern binds, but for properties that keep theirs. */
function namesIn(pattern: Node | undefined): Node[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern]
    case 'ArrayPattern':
      return childrenOf(pattern, 'elements').flatMap(namesIn)
    case 'ObjectPattern':
      return childrenOf(pattern, 'properties')
        .filter(({ shorthand }) => shorthand !== true)
        .flatMap((property) => namesIn(childOf(property, 'value') ?? property))
    case 'AssignmentPattern':
      return namesIn(childOf(pattern, 'left'))
    case 'RestElement':
      return namesIn(childOf(pattern, 'argument'))
    default:
      return []
  }
}
