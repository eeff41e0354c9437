// The files of this repository as texts, and TypeScript as a tree, for the rules of tidy.test.ts.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path/posix'
import { parseAst } from 'vitest/node'

/** Path from the repository's root, with slashes → text. */
export type Sources = ReadonlyMap<string, string>

/** Files that are installed, built or made by a run; tests make folders beside each other. */
const notOurs = /^(node_modules|dist|\.git|\.rehome.*|package-lock\.json)$/
const texts = /\.(ts|mjs|js|sql|md|json|ya?ml|sh)$|(^|\/)(Dockerfile|run|\.\w+)$/

export async function readSources(root: string): Promise<Sources> {
  const sources = new Map<string, string>()
  const look = async (folder: string) => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (notOurs.test(entry.name)) continue
      if (entry.isDirectory()) await look(path)
      else if (texts.test(path)) sources.set(path, await readFile(join(root, path), 'utf8'))
    }
  }
  await look('.')
  return sources
}

export function filesIn(sources: Sources, where: RegExp): [path: string, text: string][] {
  return [...sources].filter(([path]) => where.test(path))
}

/** A node of the syntax tree; which fields there are follows from `type`, as in ESTree. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const known = new Map<string, readonly Node[]>()

/** All nodes of a file, parents first. Throws where it is no TypeScript. */
function allNodesOf(text: string): readonly Node[] {
  const nodes = known.get(text)
  if (nodes) return nodes
  const tree: unknown = parseAst(text, { lang: 'ts', astType: 'ts' })
  const found = isNode(tree) ? [...nodesIn(tree)] : []
  known.set(text, found)
  return found
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

/** The node and everything below it, parents first. */
export function* nodesIn(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value])
      if (isNode(child)) yield* nodesIn(child)
  }
}

export function nodesOf(text: string, ...types: string[]): Node[] {
  return allNodesOf(text).filter(({ type }) => types.includes(type))
}

export function childOf(node: Node | undefined, field: string): Node | undefined {
  const child = node?.[field]
  return isNode(child) ? child : undefined
}

export function childrenOf(node: Node | undefined, field: string): Node[] {
  const children = node?.[field]
  return Array.isArray(children) ? children.filter(isNode) : []
}

/** The text that a node stands for: a name, or the value of a string. */
export function textOf(node: Node | undefined): string | undefined {
  const text = node?.type === 'Identifier' ? node.name : node?.value
  return typeof text === 'string' ? text : undefined
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
