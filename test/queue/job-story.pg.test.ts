// What a job tells of itself in Bull Board: few writes, and nothing is left out.
import { expect, test } from 'vitest'
import { createJobStory } from '../../src/worker/job-story.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { openQueue } from '../helpers/moves/queue.ts'

const withoutTime = (line: string) => line.replace(/^ *[\d.]+ s {2}/, '')

describeOnBackends('the log of a job', (backend) => {
  test('has lines that come together in one entry, and all of them once it is flushed', async () => {
    await using opened = await openQueue(backend)
    const { move: queue } = opened.queues.byErrand
    const job = await queue.add('move', {}, { jobId: 'one' })
    const story = createJobStory(job)
    story.report({ phase: 'preflight', progress: 5, rows: 0, rowsTotal: 10 })
    story.tell('looked at both ends')
    story.report({ phase: 'copy', progress: 40, rows: 5, rowsTotal: 10 })
    await story.flush()
    story.tell('and goes on after that')
    await story.flush()
    const { logs } = await queue.getJobLogs('one')
    expect(logs.map((entry) => entry.split('\n').map(withoutTime))).toEqual([
      ['preflight begins', 'looked at both ends', 'copy begins'],
      ['and goes on after that'],
    ])
    const stored = await queue.getJob('one')
    expect(stored?.progress).toMatchObject({ phase: 'copy', rows: 5 })
  })
})
