// Whether a changed report is found, whatever has been changed, and by whom it was signed.
import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signingKeyOf, statementOf } from '../../src/report/seal.ts'
import { verifyReport } from '../../src/report/verify.ts'
import { collected, type Files, newKey, temporaryFiles, textOf, unseenChanges } from './sample.ts'

const signer = newKey()
const report = collected(['acme', 'beta'])
let files: Files

beforeAll(async () => {
  files = await temporaryFiles()
})
afterAll(async () => await files[Symbol.asyncDispose]())

const codeOf = async (content: string | Uint8Array, publicKey?: string) => {
  const path = await files.write(content)
  return await verifyReport(path, { publicKey }).then(
    () => 'agrees',
    (error) => error.code,
  )
}

describe.each(['html', 'json'] as const)('a report as %s', (format) => {
  test('agrees with its signature, and names the key', async () => {
    const path = await files.write(await textOf(report, format, signer.privateKey))
    const found = await verifyReport(path, { publicKey: signer.publicPem })
    expect(found).toMatchObject({ format, isKnownKey: true })
    expect(await verifyReport(path)).toEqual({ ...found, isKnownKey: false })
  })

  test('is refused without a signature, or with the signature of another key', async () => {
    expect(await codeOf(await textOf(report, format))).toBe('REPORT_UNTRUSTED')
    const other = await textOf(report, format, newKey().privateKey)
    expect(await codeOf(other, signer.publicPem)).toBe('REPORT_UNTRUSTED')
  })

  test('is found altered where a byte is changed', async () => {
    const text = await textOf(report, format, signer.privateKey)
    expect(await unseenChanges(files, text, { step: 37 })).toEqual([])
  })

  test('is found altered if bytes are missing, added, or doubled', async () => {
    const text = await textOf(report, format, signer.privateKey)
    const middle = Math.floor(text.length / 2)
    const changed = [
      '',
      text.slice(0, -1),
      text.slice(1),
      `${text}\n`,
      ` ${text}`,
      text + text,
      text.slice(0, middle) + text.slice(middle + 1),
      `${text.slice(0, middle)} ${text.slice(middle)}`,
    ]
    const codes = await Promise.all(changed.map((one) => codeOf(one)))
    expect(codes).toEqual(changed.map(() => 'REPORT_ALTERED'))
  })

  test('does not agree with the seal of another report', async () => {
    const one = await textOf(report, format, signer.privateKey)
    const two = await textOf(collected(['acme', 'gamma']), format, signer.privateKey)
    const mark =
      format === 'html' ? '\n<script type="application/json" id="rehome-seal">' : ',"seal":'
    const [body, seal] = [one.split(mark)[0], two.split(mark)[1]]
    expect(await codeOf(`${body}${mark}${seal}`)).toBe('REPORT_ALTERED')
  })
})

test('the signature can be checked without rehome, and covers the JSON of both formats', async () => {
  const json = await textOf(report, 'json', signer.privateKey)
  const html = await textOf(report, 'html', signer.privateKey)
  const { seal } = JSON.parse(json)
  const key = createPublicKey(signer.publicPem)
  const statement = `rehome-report-seal/1\njson sha256 ${seal.jsonSha256} ${seal.jsonBytes} bytes\nfile sha256 ${seal.fileSha256}\n`
  expect(statementOf(seal)).toBe(statement)
  const signature = Buffer.from(seal.signature.value, 'base64')
  expect(verify(null, Buffer.from(statement), key, signature)).toBe(true)
  const [, sealOfPage = ''] = /id="rehome-seal">(.*)<\/script>/.exec(html) ?? []
  expect(JSON.parse(sealOfPage).jsonSha256).toBe(seal.jsonSha256)
  const [, data] = /id="rehome-report">(.*)<\/script>/.exec(html) ?? []
  expect(json.startsWith(`{"report":${data},"seal":`)).toBe(true)
})

test('a key is read as PEM, with escaped line feeds, or from a file', async () => {
  const { privatePem } = signer
  const path = await files.write(privatePem)
  for (const setting of [privatePem, privatePem.replaceAll('\n', '\\n'), path]) {
    expect(signingKeyOf(setting)?.equals(signer.privateKey)).toBe(true)
  }
  expect(signingKeyOf(undefined)).toBeNull()
})

test('a setting that is no key is refused, and not quoted', async () => {
  const { publicPem, privatePem } = signer
  const wrong = [publicPem, privatePem.slice(0, 60), 'MC4CAQAwBQYDK2Vw', '/no/such/file']
  for (const setting of wrong) {
    const refused = (() => {
      try {
        return signingKeyOf(setting)
      } catch (error) {
        return error as Error & { code: string }
      }
    })()
    expect(refused).toMatchObject({ code: 'USAGE' })
    expect(String(refused)).not.toContain(setting.slice(-12))
  }
})

test('a file that is no report, or is not there, is refused', async () => {
  expect(await codeOf('{"report":{},"seal":{}}\n')).toBe('REPORT_ALTERED')
  await expect(verifyReport('/no/such/file')).rejects.toMatchObject({ code: 'USAGE' })
})
