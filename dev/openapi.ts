/** npx tsx dev/openapi.ts: writes docs/openapi.json anew, from the schemas of the protocol. */
import { writeFile } from 'node:fs/promises'
import { openapiText } from './openapi/document.ts'

await writeFile(new URL('../docs/openapi.json', import.meta.url), openapiText())
