/**
 * Ends that a plan names: `source` and `target` become ends themselves, so that no rule of a plan
 * has to know names. Pure.
 */
import { postgres } from '../endpoint.ts'

interface Named {
  readonly plan: unknown
  /** Mistakes in the names. */
  readonly wrong: readonly string[]
}

export function withNamedEnds(input: unknown): Named {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { plan: input, wrong: [] }
  }
  const fields: Readonly<Record<string, unknown>> = { ...input }
  const ends: Readonly<Record<string, unknown>> = { ...Object(fields.ends) }
  const wrong: string[] = []
  const plan = { ...fields }
  for (const field of ['source', 'target'] as const) {
    const end = fields[field]
    if (typeof end === 'string') {
      plan[field] = ends[end]
      if (!Object.hasOwn(ends, end)) wrong.push(`plan field \`${field}\`: ${notAmong(end, ends)}`)
    } else if (typeof end === 'function') {
      plan[field] = {
        ...postgres({ urlFrom: 'ENDS' }),
        urlFrom: undefined,
        among: { nameOf: end, ends },
      }
      const others = Object.keys(ends).filter((name) => Object(ends[name]).kind !== 'sql')
      if (fields.ends === undefined)
        wrong.push(
          `plan field \`${field}\`: a function returns a name of \`ends\`, and the plan has none`,
        )
      else if (others.length > 0)
        wrong.push(
          `plan field \`${field}\`: a function chooses among databases, and ${others.map((name) => `"${name}"`).join(', ')} is none`,
        )
    }
  }
  return { plan, wrong }
}

/** The name, and those there are. */
export function notAmong(name: unknown, ends: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(ends).join(', ')
  const text = typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : String(name)
  return `${text} is none of \`ends\`${names ? ` (${names})` : ''}`
}
