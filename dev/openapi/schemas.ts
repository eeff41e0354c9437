/** Schemas of zod as those of OpenAPI, each once: what travels, before anybody has parsed it. */
import { z } from 'zod'
import { tenantPath } from '../../src/ends/http/protocol/description.ts'
import { flag } from '../../src/ends/http/protocol/flag-operations.ts'
import { progress } from '../../src/ends/http/protocol/row-operations.ts'
import { fieldNotes } from './field-notes.ts'
import type { Json, JsonObject } from './json.ts'

export interface Schemas {
  /** A reference to it by this name. */
  ref(name: string, schema: z.ZodType): JsonObject
  row(): JsonObject
  all(): JsonObject
}

const below = '#/components/schemas/'

export function createSchemas(): Schemas {
  const named = z.registry<{ id: string }>()
  named.add(flag, { id: 'Flag' })
  named.add(progress, { id: 'Progress' })
  named.add(tenantPath, { id: 'TenantPath' })
  const known = new Map<string, JsonObject>()
  const add = (name: string, made: JsonObject) => {
    const { $schema, $defs = {}, id, ...schema } = made
    known.set(name, referring(schema) as JsonObject)
    for (const [other, one] of Object.entries($defs as JsonObject)) {
      if (!known.has(other)) add(other, one as JsonObject)
    }
    return { $ref: `${below}${name}` }
  }
  return {
    ref(name, schema) {
      const made = z.toJSONSchema(schema, { io: 'input', metadata: named, override: simplify })
      return add(name, made as unknown as JsonObject)
    },
    row: () => add('Row', row),
    all: () => Object.fromEntries([...known].sort(([left], [right]) => (left < right ? -1 : 1))),
  }
}

const row: JsonObject = {
  type: 'array',
  description: "Values in the order of the columns: PostgreSQL's texts, null for NULL.",
  items: { type: ['string', 'null'] },
}

type Made = Parameters<
  NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>
>[0]

/** Patterns that say no more than the format does, and bounds that JSON numbers have, go. */
function simplify({ jsonSchema }: Made): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
}

/** Adds references to where schemas stand, and the notes on fields. */
function referring(value: Json): Json {
  if (Array.isArray(value)) return value.map(referring)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      if (name === '$ref' && typeof one === 'string') return [name, one.replace('#/$defs/', below)]
      return [name, name === 'properties' ? noted(referring(one) as JsonObject) : referring(one)]
    }),
  )
}

function noted(properties: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const description = fieldNotes[name]
      const bare = description === undefined || typeof property !== 'object'
      return [name, bare ? property : { ...property, description }]
    }),
  )
}
