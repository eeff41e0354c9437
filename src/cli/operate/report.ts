import { once } from 'node:events'
import { open, rename, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { messageOf, RehomeError } from '../../errors.ts'
import { keysOf } from '../../known.ts'
import type { ReportFormat } from '../../report/report-file.ts'
import { verifyReport } from '../../report/verify.ts'
import { jsonText, note, print, withRehome } from '../context.ts'
import { safe } from '../print.ts'

export function addReport(program: Command): void {
  program
    .command('report [run]')
    .description('write a file with all that an auditor needs of a run, or verify such a file')
    .option('--html', 'as a page with its data (default)')
    .option('--json', 'the data alone')
    .option('--csv', 'a line a tenant, never signed')
    .option('-o, --out <file>', 'write it there instead of to standard output')
    .option('--verify <file>', 'check whether this report is as it was signed')
    .option('--key <file>', "with --verify: the signer's public key (PEM)")
    .addHelpText('after', help)
    .action(report)
}

const help = `
Environment:
  REHOME_SIGNING_KEY  an Ed25519 private key (PEM, PKCS#8), or the path of one: signs HTML and JSON
`

interface ReportFlags {
  html?: boolean
  json?: boolean
  csv?: boolean
  out?: string
  verify?: string
  key?: string
}

async function report(runId: string | undefined, flags: ReportFlags): Promise<void> {
  if (flags.verify !== undefined) return await verify(flags.verify, runId, flags)
  if (runId === undefined) throw new RehomeError('USAGE', 'name a run, or a file with --verify')
  if (flags.key !== undefined) throw new RehomeError('USAGE', '--key is for --verify')
  const format = formatOf(flags)
  await withRehome(async (rehome) => {
    const texts = rehome.report(runId, { format })
    if (flags.out === undefined) await toOutput(texts)
    else await toFile(texts, flags.out)
  })
  if (format === 'csv') return
  if (!process.env.REHOME_SIGNING_KEY) note('not signed: REHOME_SIGNING_KEY is not set')
}

function formatOf({ html, json, csv }: ReportFlags): ReportFormat {
  const flagged = { html, json, csv }
  const formats = keysOf(flagged).filter((format) => flagged[format])
  if (formats.length > 1) {
    throw new RehomeError('USAGE', `--${formats.join(' and --')} exclude each other`)
  }
  return formats[0] ?? 'html'
}

async function verify(file: string, runId: string | undefined, flags: ReportFlags): Promise<void> {
  if (runId !== undefined || flags.out !== undefined || flags.html || flags.csv) {
    throw new RehomeError('USAGE', '--verify takes a file, and nothing else but --key and --json')
  }
  const verified = await verifyReport(file, { publicKey: flags.key })
  if (flags.json) return print(jsonText({ ...verified, nextSteps: [] }))
  print(`"${safe(file, 200)}" is as it was signed, with the key ${verified.keyId}`)
  if (!verified.isKnownKey) {
    print("anybody can sign with a key of his own: compare it with the signer's, or use --key")
  }
}

async function toOutput(texts: AsyncIterable<string>): Promise<void> {
  for await (const text of texts) {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain')
  }
}

/** The file appears as a whole, or not at all. */
async function toFile(texts: AsyncIterable<string>, path: string): Promise<void> {
  const part = `${path}.${process.pid}.part`
  const file = await open(part, 'wx').catch((cause: unknown) => {
    throw new RehomeError('USAGE', `cannot write "${path}": ${messageOf(cause)}`, { cause })
  })
  try {
    try {
      for await (const text of texts) await file.write(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
