// docs/plan.md has a line for each field that a plan may have, with the default of its schema.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { planSchema, tableSchema } from '../../src/plan/check-plan.ts'

const page = await readFile(new URL('../../docs/plan.md', import.meta.url), 'utf8')

interface Field {
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Field>>
}

function fieldsOf(schema: z.ZodType): Record<string, Field> {
  const { properties } = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as Field
  return properties ?? {}
}

/** `fence.leaseMs`, where a field has fields. Schema changes have a section of their own. */
function* namesIn(fields: Record<string, Field>): Generator<[name: string, field: Field]> {
  for (const [name, field] of Object.entries(fields)) {
    const isGroup = field.properties !== undefined && name !== 'schema' && name !== 'stopWhen'
    if (!isGroup) yield [name, field]
    for (const [inner, one] of isGroup ? namesIn(field.properties) : []) {
      yield [`${name}.${inner}`, one]
    }
  }
}

const fields = [...namesIn(fieldsOf(planSchema))]

/** The first line of the list that names the field. */
function lineOf(name: string): string | undefined {
  return page.split('\n').find((line) => line.startsWith('- ') && line.includes(`\`${name}\``))
}

test.each(fields)('the field %s of a plan has a line', (name, { default: value }) => {
  const line = lineOf(name)
  expect(line).toBeDefined()
  if (typeof value !== 'number' && typeof value !== 'string') return
  const written = typeof value === 'number' ? value.toLocaleString('en') : `'${value}'`
  expect(line?.replaceAll('`', '')).toContain(`(default: ${written}`)
})

test('each option of a table has a row in a table of options', () => {
  const { kind, name, side, sharing, columns, ...options } = fieldsOf(tableSchema)
  const groups = Object.keys(columns?.properties ?? {}).map((one) => `columns.${one}`)
  for (const option of [...Object.keys(options), ...groups]) {
    expect(page, option).toMatch(
      new RegExp(`^\\|[^|]*\`${option.replace('.', '\\.')}\`[^|]*\\|`, 'm'),
    )
  }
  for (const option of Object.keys(sharing?.properties ?? {})) {
    expect(page, option).toMatch(new RegExp(`^\\| \`${option}\` \\|`, 'm'))
  }
})
