// Workers die in moves and rollbacks that bring the application's directory up to date: it has
// every tenant's home in the end. See deaths.pg.test.ts for how one place is tried.
import { describe } from 'vitest'
import { diesAnywhere } from '../helpers/attempts/dies-anywhere.ts'
import { directoryStories } from '../helpers/directories/stories-of-directories.ts'

describe.each(directoryStories())('$name', diesAnywhere)
