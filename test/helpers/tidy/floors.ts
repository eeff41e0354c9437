// Imports go down only, and never in a circle. See "Floors" in docs/architecture.md.
import { dirname, join } from 'node:path/posix'
import { childOf, filesIn, nodesOf, type Sources, textOf } from './sources.ts'

interface Place {
  readonly floor: number
  readonly folder: string
}

const floors: readonly (readonly [path: RegExp, floor: number])[] = [
  [
    /^src\/(calls|errors|clock|duration|log|parallel|place|postgres|quote|migrations|session-settings)\.ts$/,
    0,
  ],
  [/^src\/plan\//, 1],
  [/^src\/testing\//, 2],
  [/^src\/(endpoints|control)\//, 2],
  [/^src\/(stages|http-end)\//, 3],
  [/^src\/(move-shard\.ts$|queue\/)/, 4],
  [/^src\/(coordinator|worker|dashboard)\//, 5],
  [/^(src\/cli|jobs)\//, 6],
  [/^src\/index\.ts$/, 7],
]

/** What the tenants' own application imports: it knows only the ground, and nobody knows it. */
const apart = /^src\/client\//

const ground = 0

function placeOf(path: string): Place | null {
  const floor = floors.find(([pattern]) => pattern.test(path))?.[1]
  if (floor === undefined) return null
  const [root = '', name = ''] = path.split('/')
  // The ground is one folder; above it each name below src/ is one.
  return { floor, folder: floor === ground || root !== 'src' ? root : `src/${name}` }
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

/** Of the package's own name, as its users import it. */
function packageFile(written: string): string {
  return written === 'rehome' ? 'src/index.ts' : `src/${written.slice('rehome/'.length)}/index.ts`
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

/** As `a → b → a`, at least one of each knot. */
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
