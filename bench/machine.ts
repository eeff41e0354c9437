/** On what the figures were measured. Without that they mean nothing. */
import { open, rm } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import pg from 'pg'
import type { PostgresServer } from '../dev/postgres.ts'
import { spreadOf } from './spread.ts'

export interface Machine {
  readonly cores: number
  readonly cpu: string
  readonly memoryGib: number
  readonly platform: string
  readonly node: string
  readonly postgres: string
  /** How long the disk takes to make 8 KiB durable: what bounds commits that are. */
  readonly flushMs: number
  /** Processes that wanted a core in the minute before: what others were doing. 0 on Windows. */
  readonly loadBefore: number
}

export async function machineOf(server: PostgresServer): Promise<Machine> {
  const cores = cpus()
  const [loadBefore = 0] = loadavg()
  return {
    cores: cores.length,
    cpu: cores[0]?.model.trim() ?? 'unknown',
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres: await versionOf(server.url),
    flushMs: await flushMsIn(server.directory),
    loadBefore,
  }
}

async function versionOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version ?? 'unknown'
  } finally {
    await client.end()
  }
}

const FLUSHES = 50

async function flushMsIn(directory: string): Promise<number> {
  const path = join(directory, 'flush-probe')
  const file = await open(path, 'w')
  try {
    const samples: number[] = []
    for (let i = 0; i < FLUSHES; i += 1) {
      await file.write(Buffer.alloc(8192, i), 0, 8192, i * 8192)
      const started = performance.now()
      await file.datasync()
      samples.push(performance.now() - started)
    }
    return spreadOf(samples).median
  } finally {
    await file.close()
    await rm(path)
  }
}
