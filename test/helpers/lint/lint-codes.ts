// Codes of what rules find in texts.
import { type LintOptions, lintTexts } from '../../../src/lint/lint.ts'

export const timeout = "SET lock_timeout = '2s';"

/** Codes in the order of the files and lines. */
export async function codes(
  ...texts: (string | { path: string; text: string })[]
): Promise<string[]> {
  return await codesFor({}, ...texts)
}

export async function codesFor(
  options: LintOptions,
  ...texts: (string | { path: string; text: string })[]
): Promise<string[]> {
  const files = texts.map((one, i) =>
    typeof one === 'string' ? { path: `${i + 1}.sql`, text: `${timeout}\n${one}` } : one,
  )
  return (await lintTexts(files, options)).map(({ code }) => code)
}
