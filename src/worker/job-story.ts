/**
 * A job's progress ring and log in Bull Board. Written one after the other (two log
 * lines at once lose one on the PostgreSQL backend) and never in the way: a line that cannot be
 * written is dropped, because the control database has it anyway.
 *
 * Each write is a commit of the queue's. So lines that come within a fifth of a second are written
 * together, and of a small tenant's move all of them.
 */
import type { Job } from 'bullmq'
import type { Progress } from '../attempt/shard.ts'
import { now, sleep } from '../clock.ts'
import { storable } from '../errors.ts'

export interface JobStory {
  report(progress: Progress): void
  tell(line: string): void
  /** The progress that was reported last becomes 100 %. */
  complete(): void
  /** Everything is written, or was dropped. */
  flush(): Promise<void>
}

const gatherMs = 200

export function createJobStory(job: Job): JobStory {
  let lines: string[] = []
  let latest: object | null = null
  let reported: Progress | null = null
  let writing: Promise<void> | null = null
  let hurry = new AbortController()
  const start = now()
  const write = async () => {
    while (lines.length > 0 || latest) {
      await sleep(gatherMs, hurry.signal).catch(() => {})
      const [text, progress] = [lines.join('\n'), latest]
      lines = []
      latest = null
      if (text !== '') await job.log(text).catch(() => {})
      if (progress) await job.updateProgress(progress).catch(() => {})
    }
    writing = null
  }
  const wake = () => {
    writing ??= write()
  }
  const tell = (line: string) => {
    const seconds = ((now() - start) / 1000).toFixed(2).padStart(7)
    lines.push(storable(`${seconds} s  ${line}`))
    wake()
  }
  return {
    tell,
    report(progress) {
      const isNew = progress.phase !== reported?.phase
      reported = progress
      latest = progress
      if (isNew) tell(`${progress.phase} begins`)
      else wake()
    },
    complete() {
      latest = { ...reported, progress: 100 }
      wake()
    },
    async flush() {
      hurry.abort()
      await writing
      hurry = new AbortController()
    },
  }
}
