// Prints where the checkout given as the argument finds PostgreSQL's programs, as one JSON object.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const dev = (file: string) => pathToFileURL(join(process.argv[2] ?? '.', 'dev', file)).href
const { findBinaries } = await import(dev('postgres-binaries.ts'))
const { serverUser } = await import(dev('unprivileged.ts'))
process.stdout.write(JSON.stringify(await findBinaries(await serverUser())))
