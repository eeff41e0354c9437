// A tenant of any size moves over HTTP in the same memory. Many small rows: memory.all.test.ts.
import { test } from 'vitest'
import { moveInSmallHeap } from '../helpers/processes/small-heap.ts'

test(
  '60 MB in 30,000 rows move between two ends over HTTP in a heap of 96 MiB',
  {
    timeout: 180_000,
  },
  async () => await moveInSmallHeap({ lines: 30_000, bytesEach: 2_000 }),
)
