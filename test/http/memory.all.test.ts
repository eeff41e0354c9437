// A tenant of many rows moves over HTTP in the same memory.
import { test } from 'vitest'
import { moveInSmallHeap } from '../helpers/processes/small-heap.ts'

test(
  '120,000 rows move between two ends over HTTP in a heap of 96 MiB',
  {
    timeout: 300_000,
  },
  async () => await moveInSmallHeap({ lines: 120_000, bytesEach: 350 }),
)
