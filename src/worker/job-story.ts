/**
 * A job's progress ring and log in Bull Board. Written one after the other (two log
 * lines at once lose one on the PostgreSQL backend) and never in the way: a line that cannot be
 * written is dropped, because the control database has it anyway.
 */
import type { Job } from 'bullmq'
import type { Progress } from '../attempt/shard.ts'
import { now, sleep } from '../clock.ts'
import { storable } from '../errors.ts'

export interface JobStory {
  report(progress: Progress): void
  tell(line: string): void
  /** Everything is written, or was dropped. */
  flush(): Promise<void>
}

const progressIntervalMs = 25

export function createJobStory(job: Job): JobStory {
  let last: Promise<unknown> = Promise.resolve()
  let latest: Progress | null = null
  let lastPhase = ''
  const start = now()
  const queue = (write: () => Promise<unknown>) => {
    last = last.then(write).catch(() => {})
  }
  const tell = (line: string) => {
    const seconds = ((now() - start) / 1000).toFixed(2).padStart(7)
    queue(() => job.log(storable(`${seconds} s  ${line}`)))
  }
  return {
    tell,
    report(progress) {
      if (progress.phase !== lastPhase) {
        lastPhase = progress.phase
        tell(`${progress.phase} begins`)
      }
      const waiting = latest !== null
      latest = progress
      if (waiting) return
      queue(async () => {
        const current = latest
        latest = null
        if (current) await job.updateProgress(current)
        await sleep(progressIntervalMs)
      })
    },
    async flush() {
      await last
    },
  }
}
