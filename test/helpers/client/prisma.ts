// A real Prisma client of one model, made as generated clients make theirs, without the generator.
import { PrismaPg } from '@prisma/adapter-pg'
import * as runtime from '@prisma/client/runtime/client'
import { openPool } from '../database.ts'

const schema = `
generator client {
  provider = "prisma-client"
  output = "generated"
}

datasource db {
  provider = "postgresql"
}

model Note {
  id BigInt @id
  tenantId String @map("tenant_id")
  body String?
  @@map("notes")
}
`

const note = {
  dbName: 'notes',
  fields: [
    { name: 'id', kind: 'scalar', type: 'BigInt' },
    { name: 'tenantId', kind: 'scalar', type: 'String', dbName: 'tenant_id' },
    { name: 'body', kind: 'scalar', type: 'String' },
  ],
}

interface Wasm {
  readonly WebAssembly: { readonly Module: new (code: Uint8Array) => object }
}

// Node.js has it, the types of Node.js have not.
const { WebAssembly } = globalThis as unknown as Wasm

// Named at run time alone: these files have no types.
const compiler = '@prisma/client/runtime/query_compiler_fast_bg.postgresql'

const config = {
  previewFeatures: [],
  clientVersion: '7.10.0',
  engineVersion: 'none',
  activeProvider: 'postgresql',
  inlineSchema: schema,
  runtimeDataModel: { models: { Note: note }, enums: {}, types: {} },
  // Of nothing: values then stay in the query.
  parameterizationSchema: { strings: [], graph: 'AAAA' },
  compilerWasm: {
    getRuntime: async () => await import(/* @vite-ignore */ `${compiler}.mjs`),
    getQueryCompilerWasmModule: async () => {
      const { wasm } = await import(/* @vite-ignore */ `${compiler}.wasm-base64.mjs`)
      return new WebAssembly.Module(Buffer.from(wasm, 'base64'))
    },
    importName: './query_compiler_fast_bg.js',
  },
}

interface Note {
  readonly id: bigint
  readonly tenantId: string
}

/** The members of a client that the tests use. */
export interface Statements {
  $executeRawUnsafe(sql: string): Promise<number>
  readonly note: {
    create(args: { data: Note }): Promise<Note>
    update(args: { where: { id: bigint }; data: { body: string } }): Promise<Note>
    findMany(): Promise<Note[]>
  }
}

export interface Prisma extends Statements {
  $transaction(statements: readonly Promise<unknown>[]): Promise<unknown>
  $transaction(
    work: (statements: Statements) => Promise<void>,
    options?: { readonly isolationLevel?: string },
  ): Promise<void>
}

type PrismaClass = new (options: { readonly adapter: PrismaPg }) => Prisma

export function openPrisma(url: string): Prisma & { close(): Promise<void> } {
  const PrismaClient = runtime.getPrismaClient(config as never) as unknown as PrismaClass
  const pool = openPool(url)
  const client = new PrismaClient({ adapter: new PrismaPg(pool) })
  return Object.assign(client, { close: () => pool.end() })
}
