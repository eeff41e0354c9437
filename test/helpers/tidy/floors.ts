// Imports go down only, and never in a circle. See "Rooms and floors" in docs/architecture.md.
import { basename, dirname, join } from 'node:path/posix'
import { childOf, filesIn, lineAt, nodesOf, type Sources, textOf } from './sources.ts'

interface Place {
  readonly floor: number
  readonly folder: string
}

/** From below. A folder of one floor meets none of its neighbours. */
const floors: readonly RegExp[] = [
  /^(src)\/(calls|errands|errors|clock|duration|html|known|log|numbers|parallel|phases|place|postgres|quote|migrations|traces|sessions\/[\w-]+)\.ts$/,
  /^(src\/plan)\//,
  /^(src\/(values|control|testing|lint))\//,
  // The contract of all ends.
  /^(src\/ends)\/[\w-]+\.ts$/,
  /^(src\/(transform|report))\//,
  /^(src\/ends\/(postgres|web))\//,
  /^(src\/ends\/(http|api))\//,
  /^(src\/(ends\/open|http-end))\//,
  /^(src\/checks)\//,
  /^(src\/attempt)\//,
  /^(src\/(comparison|copying))\//,
  /^(src\/follow)\//,
  /^(src\/stages)\//,
  /^(src\/(move-shard\.ts$|queue\/))/,
  /^(src\/(coordinator|worker|dashboard))\//,
  /^(src\/cli|jobs)\//,
  /^(src\/index\.ts)$/,
]

/** The part that applications import: it imports the ground alone, and no other part imports it. */
const apart = /^src\/client\//

const ground = 0

function placeOf(path: string): Place | null {
  const floor = floors.findIndex((pattern) => pattern.test(path))
  const folder = floors[floor]?.exec(path)?.[1]
  return folder === undefined ? null : { floor, folder: folder.replace(/\/$/, '') }
}

interface Import {
  readonly from: string
  readonly to: string
  readonly written: string
}

const importing = [
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]

/** Imports of our own files; type imports count, and so do those at run time. */
function importsOf(path: string, text: string): Import[] {
  return nodesOf(text, ...importing)
    .map((node) => textOf(childOf(node, 'source')))
    .filter((written) => written !== undefined)
    .filter((written) => written.startsWith('.') || /^rehome(\/|$)/.test(written))
    .map((written) => {
      const to = /^rehome/.test(written) ? packageFile(written) : join(dirname(path), written)
      return { from: path, to, written }
    })
}

const entries: Readonly<Record<string, string>> = {
  'rehome/client': 'src/client/index.ts',
  'rehome/http-end': 'src/http-end/entry.ts',
  'rehome/testing': 'src/testing/round-trip.ts',
}

/** Entries of the package's own name, as its users import it. */
function packageFile(written: string): string {
  return entries[written] ?? 'src/index.ts'
}

const product = /^(src|jobs)\/.*\.ts$/

export function climbingImports(sources: Sources): string[] {
  return filesIn(sources, product).flatMap(([path, text]) => [
    ...(placeOf(path) || apart.test(path) ? [] : [`${path} stands on no floor`]),
    ...importsOf(path, text).flatMap((found) => {
      const why = /\.ts$/.test(found.to) ? refusal(found) : 'does not end in .ts'
      return why ? [`${path} imports ${found.written}: ${why}`] : []
    }),
  ])
}

function refusal({ from, to }: Import): string | null {
  if (!product.test(to)) return 'it is no part of the product'
  const [here, there] = [placeOf(from), placeOf(to)]
  if (apart.test(from)) return there?.floor === ground || apart.test(to) ? null : 'it stands apart'
  if (!here || !there) return 'it stands on no floor below'
  if (here.folder === there.folder || there.floor < here.floor) return null
  const words = `floor ${here.floor} (${here.folder}) and floor ${there.floor} (${there.folder})`
  return `imports go down only, from ${words}`
}

/** Circles as `a → b → a`, at least one of each knot. */
export function importCircles(sources: Sources): string[] {
  const imports = new Map(
    filesIn(sources, product).map(([path, text]) => [
      path,
      [...new Set(importsOf(path, text).map(({ to }) => to))],
    ]),
  )
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]) => {
    const begin = way.indexOf(path)
    if (begin >= 0) circles.push([...way.slice(begin), path].join(' → '))
    if (begin >= 0 || done.has(path)) return
    for (const next of imports.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const path of imports.keys()) visit(path, [])
  return circles
}

const filesMax = 20
const code =
  /^(src|jobs|assets|bin|test|chaos|fuzz|bench|demo|dev|conformance|examples)\/.*\.(ts|mjs|js|sql)$/

/** A folder shows what is in it at one look. */
export function overfullFolders(sources: Sources): string[] {
  const files = new Map<string, number>()
  for (const [path] of filesIn(sources, code)) {
    files.set(dirname(path), (files.get(dirname(path)) ?? 0) + 1)
  }
  return [...files].flatMap(([folder, count]) =>
    count > filesMax ? [`${folder} has ${count} files`] : [],
  )
}

/** A file is found by its name: no more than two share one. */
export function sharedNames(sources: Sources): string[] {
  const paths = filesIn(sources, product).map(([path]) => path)
  return [...new Set(paths.map((path) => basename(path)))].flatMap((name) => {
    const all = paths.filter((path) => basename(path) === name)
    return all.length > 2 ? [`${all.length} files are called ${name}: ${all.join(', ')}`] : []
  })
}

/** Phases ask what an end can do, never of which kind it is. */
export function kindsAskedFor(sources: Sources): string[] {
  return filesIn(sources, /^src\/(stages\/.*|move-shard)\.ts$/).flatMap(([path, text]) =>
    [...text.matchAll(/\bkind\s*[!=]==/g)].map(
      ({ index }) => `${path}:${lineAt(text, index)} asks for a kind`,
    ),
  )
}
