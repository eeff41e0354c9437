/** npx tsx dev/rule-pages.ts: writes docs/schema-changes/ anew, from the rules of src/lint. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dialects } from '../src/lint/lint.ts'
import { rulesOf } from '../src/lint/rules-of.ts'
import { pageText, rulesList } from './rule-page.ts'

const docs = new URL('../docs/', import.meta.url)
await rm(new URL('schema-changes/', docs), { recursive: true, force: true })
await mkdir(new URL('schema-changes/', docs))
let overview = await readFile(new URL('schema-changes.md', docs), 'utf8')
for (const dialect of dialects) {
  for (const rule of rulesOf(dialect))
    await writeFile(new URL(`schema-changes/${rule.code}.md`, docs), await pageText(rule, dialect))
  const list = rulesList(rulesOf(dialect))
  const [begin, end] = [`<!-- rules: ${dialect} -->`, '<!-- end -->']
  const [before = '', rest = ''] = overview.split(begin)
  overview = `${before}${begin}\n${list}\n${rest.slice(rest.indexOf(end))}`
}
await writeFile(new URL('schema-changes.md', docs), overview)
