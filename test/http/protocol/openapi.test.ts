// docs/openapi.json is what the protocol's schemas say, and hangs together.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openapiDocument, openapiText } from '../../../dev/openapi/document.ts'
import {
  type OperationName,
  operations,
  pathOf,
} from '../../../src/ends/http/protocol/operations.ts'

interface Tree {
  readonly [name: string]: Tree | string | undefined
}

// Every value is looked at by name, and what is not there is undefined.
const document = openapiDocument() as unknown as Tree

function at(path: string): Tree | string | undefined {
  const names = path.split('/').slice(1)
  const plain = names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  return plain.reduce<Tree | string | undefined>(
    (tree, name) => (typeof tree === 'object' ? tree[name] : undefined),
    document,
  )
}

function* nodesOf(tree: unknown, path = '#'): Generator<[path: string, node: Tree]> {
  if (typeof tree !== 'object' || tree === null) return
  if (!Array.isArray(tree)) yield [path, tree as Tree]
  for (const [name, value] of Object.entries(tree)) yield* nodesOf(value, `${path}/${name}`)
}

const nodes = [...nodesOf(document)]
const paths = Object.entries(document.paths as Tree) as [string, Tree][]
const operationsSaid = paths.flatMap(([path, item]) =>
  Object.entries(item).map(([method, one]) => ({ path, method, one: one as Tree })),
)

test('the file is what the schemas say now: else `npx tsx dev/openapi.ts`', async () => {
  const file = await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8')
  expect(file).toBe(openapiText())
})

test('every operation stands there, at its path, and nothing else', () => {
  const names = [
    ...(Object.keys(operations) as OperationName[]),
    'read',
    'write',
    'changes',
    'apply',
  ] as const
  const wanted = names.map((name) => `post /${pathOf(name)} ${name}`)
  const said = operationsSaid.map(({ path, method, one }) => `${method} ${path} ${one.operationId}`)
  expect(said.sort()).toEqual(['get /v1 describe', ...wanted].sort())
})

test('it has what OpenAPI 3.1 demands of a document', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/)
  expect(document.info).toMatchObject({ title: /./, version: /./ })
  for (const { path, one } of operationsSaid) {
    expect(path).toMatch(/^\/[a-z0-9/-]+$/)
    expect(Object.keys(one.responses as Tree).sort()).toEqual(
      ['200', '401', '429', '4XX', '503', '5XX'].sort(),
    )
  }
  const allowed = /^(schemas|responses|parameters|headers|securitySchemes)$/
  for (const [kind, parts] of Object.entries(document.components as Tree)) {
    expect(kind).toMatch(allowed)
    for (const name of Object.keys(parts as Tree)) expect(name).toMatch(/^[a-zA-Z0-9._-]+$/)
  }
})

test('responses are described, and bodies have schemas', () => {
  for (const [path, node] of nodes) {
    if (/\/responses\/\w+$/.test(path) && !node.$ref) {
      expect(node.description, path).toEqual(expect.any(String))
    }
    if (/\/content\/[^/]+\/\w+$/.test(path)) expect(node.schema, path).toBeDefined()
    if (/#\/components\/parameters\/\w+$/.test(path)) {
      expect(node, path).toMatchObject({ in: 'header', schema: {} })
    }
  }
})

test('references lead somewhere, and every part is referred to', () => {
  const referred = new Set<string>()
  for (const [path, { $ref }] of nodes) {
    if (typeof $ref !== 'string') continue
    expect(at($ref), `${path} refers to ${$ref}`).toBeDefined()
    referred.add($ref)
  }
  const { securitySchemes, ...others } = document.components as Tree
  for (const [kind, parts] of Object.entries(others)) {
    for (const name of Object.keys(parts as Tree)) {
      expect(referred, name).toContain(`#/components/${kind}/${name}`)
    }
  }
  const secrets = (document.security as unknown as Tree[]).flatMap((one) => Object.keys(one))
  expect(secrets).toEqual(Object.keys(securitySchemes as Tree))
})

test('schemas are those of JSON Schema 2020-12: types that it knows, and what is required exists', () => {
  const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']
  for (const [path, node] of nodes.filter(([path]) => path.startsWith('#/components/schemas/'))) {
    const isProperties = path.endsWith('/properties')
    if (isProperties) continue
    for (const type of [node.type ?? []].flat()) expect(types, path).toContain(type)
    expect(node, path).not.toHaveProperty('nullable')
    expect(node, path).not.toHaveProperty('$defs')
    const properties = Object.keys((node.properties as Tree | undefined) ?? {})
    for (const name of [node.required ?? []].flat()) expect(properties, path).toContain(name)
  }
})
