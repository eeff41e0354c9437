/**
 * An end's description of itself: a catalogue, of which an end that is no PostgreSQL needs to give
 * only the names, types and keys of its tables.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Catalog } from '../../../plan/catalogs/catalog.ts'
import type { TypeShape } from '../../../plan/catalogs/type-shape.ts'

export const protocolName = 'rehome/1'

const names = z.array(z.string()).default([])

const typeShape: z.ZodType<TypeShape> = z.union([
  z.object({ kind: z.literal('scalar'), name: z.string(), of: z.string().nullable() }),
  z.object({ kind: z.literal('enum'), name: z.string(), labels: z.array(z.string()) }),
  z.object({
    kind: z.literal('composite'),
    name: z.string(),
    get attributes() {
      return z.array(z.object({ name: z.string(), type: typeShape }))
    },
  }),
  z.object({
    kind: z.enum(['range', 'multirange', 'array']),
    get of() {
      return typeShape
    },
  }),
])

const column = z.object({
  name: z.string(),
  /** `pg_type.typname`, e.g. `int8`, `timestamptz`, `_text`. */
  typeName: z.string(),
  typeSql: z.string().optional(),
  typeText: z.string().optional(),
  deterministic: z.boolean().default(true),
  notNull: z.boolean().default(false),
  hasDefault: z.boolean().default(false),
  generated: z.boolean().default(false),
  identity: z.boolean().default(false),
  virtual: z.boolean().default(false),
  sequence: z.string().nullable().default(null),
  /** A sequence whose numbers its values are made of. */
  composes: z.string().nullable().optional(),
  /** The step of that sequence. */
  step: z.number().nullable().optional(),
  /** The parts of the type. Absent: types of one name are taken for the same. */
  shape: typeShape.optional(),
})

const foreignKey = z.object({
  name: z.string(),
  columns: z.array(z.string()),
  parent: z.string(),
  parentSchema: z.string().default('public'),
  /** The database does not keep it. */
  undeclared: z.boolean().optional(),
  deferrable: z.boolean().default(false),
  parentColumns: z.array(z.string()),
})

const unique = z.object({
  name: z.string(),
  columns: z.array(z.string()).min(1),
  primary: z.boolean().default(false),
})

interface Step {
  columns: string[]
  parent: string
  parentColumns: string[]
  undeclared?: boolean | undefined
  inverse?: boolean | undefined
  deferrable: boolean
}
type Through = Step & { kind: 'through'; path: Path }
type Path =
  | { kind: 'column'; column: string }
  | Through
  | {
      kind: 'any'
      table: string
      key: string[]
      keyMayBeNull?: boolean | undefined
      ways: Through[]
      selves: Step[]
      deferrable: boolean
    }

/** Conditions of the end's own stay there: nothing but the end asks them. */
const step = z.object({
  columns: z.array(z.string()),
  parent: z.string(),
  parentColumns: z.array(z.string()),
  undeclared: z.boolean().optional(),
  inverse: z.boolean().optional(),
  deferrable: z.boolean(),
})

const through: z.ZodType<Through> = step.extend({
  kind: z.literal('through'),
  get path() {
    return tenantPath
  },
})

export const tenantPath: z.ZodType<Path> = z.union([
  z.object({ kind: z.literal('column'), column: z.string() }),
  through,
  z.object({
    kind: z.literal('any'),
    table: z.string(),
    key: z.array(z.string()),
    keyMayBeNull: z.boolean().optional(),
    get ways() {
      return z.array(through)
    },
    selves: z.array(step),
    deferrable: z.boolean(),
  }),
])

const table = z.object({
  name: z.string(),
  /** How a row's tenant is known. The end decides, whatever the plan has. */
  path: tenantPath,
  /** Its rows are everybody's, and only brought: what plans may do where rows are others. */
  shared: z
    .object({
      missing: z.enum(['insert', 'refuse']),
      differing: z.enum(['refuse', 'keep', 'update']),
    })
    .optional(),
  columns: z.array(column).min(1),
  uniques: z.array(unique).default([]),
  foreignKeys: z.array(foreignKey).default([]),
  outerKeys: z.array(foreignKey).default([]),
  outerChildren: names,
  unguardable: names,
  rowSecurity: z.boolean().default(false),
  subscribed: z.boolean().default(false),
  privileges: z.array(z.string()).default(['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
})

export const description = z.object({
  protocol: z.literal(protocolName),
  /** `application`: the application looks at the flags itself, and may err. */
  enforcement: z.enum(['database', 'application']),
  /** Tells this database from all others. */
  database: z.string(),
  schema: z.string().default('public'),
  /** Another text after every change of the schema or of what guards it. */
  stamp: z.string().max(1_000).optional(),
  /** The version of PostgreSQL. Absent: the end is none. */
  serverVersion: z.int().default(0),
  encoding: z.string().default('UTF8'),
  /** Rows may be written with foreign keys and triggers off. */
  mayReplicate: z.boolean().default(false),
  /** Changes are logged and told, and those of the other end come step by step. */
  feed: z.boolean().default(false),
  /** Hash functions of which the end is capable, and their results on fixed values. */
  digestProbes: z.partialRecord(z.enum(['record', 'text', 'md5']), z.string()),
  foreignSettings: names,
  /** Digits after the point in values of type `money`. */
  moneyDigits: z.int().optional(),
  /** The end finds rows that refer to a tenant's and are not reached: operation `strays`. */
  tellsStrays: z.boolean().default(false),
  /** The bytes of a request, unpacked, that the end takes. */
  maxBytes: z.int().min(1).optional(),
  /** Columns by which rows are found, and with which no index of the table begins. */
  unindexed: z.array(z.object({ table: z.string(), columns: z.array(z.string()) })).default([]),
  /** Tables that are not protected yet. */
  unguarded: names,
  tables: z.array(table),
})

export type Description = z.infer<typeof description>
export type DescriptionInput = z.input<typeof description>

export function catalogOf(described: Description): Catalog {
  const { tables, protocol: _, ...rest } = described
  return {
    ...rest,
    // An end that lists none has at least the tables that it describes.
    stamp: rest.stamp ?? createHash('sha256').update(JSON.stringify(tables)).digest('hex'),
    computed: new Map(),
    tables: new Map(
      tables.map(({ columns, ...one }) => {
        const typed = columns.map((column) => ({
          ...column,
          typeSql: column.typeSql ?? `pg_catalog.${column.typeName}`,
          typeText: column.typeText ?? column.typeName,
        }))
        const absent = { triggers: [], partitions: [], partitionColumns: [] }
        const alone = { references: [], partitionKeys: [], reactions: [] }
        return [one.name, { ...one, ...absent, ...alone, columns: typed }]
      }),
    ),
  }
}
