/** Options that the command lines of chaos and fuzz share: how long, and with which seed. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { z } from 'zod'

export function wholeNumber(option: string) {
  return z.coerce
    .number(`--${option} is a number`)
    .int(`--${option} is a whole number`)
    .min(0, `--${option} is not negative`)
}

export const runOptions = {
  minutes: z.coerce
    .number('--minutes is a number')
    .positive('--minutes is more than 0')
    .max(1440, '--minutes is at most 1440')
    .default(1),
  // Without one it draws one.
  seed: wholeNumber('seed').default(() => Math.floor(Math.random() * 1_000_000)),
  json: z.boolean().default(false),
}

/** Throws an Error of one line for wrong options. `--json` is a flag, all others take values. */
export function readGiven<T extends z.ZodRawShape>(
  args: readonly string[],
  given: z.ZodObject<T>,
): z.infer<z.ZodObject<T>> {
  const names = Object.keys(given.shape)
  const options: ParseArgsConfig['options'] = Object.fromEntries(
    names.map((name) => [name, { type: name === 'json' ? 'boolean' : 'string' }]),
  )
  const parsed = given.safeParse(parseArgs({ args: [...args], options }).values)
  if (!parsed.success) throw new Error(parsed.error.issues[0]?.message)
  return parsed.data
}
