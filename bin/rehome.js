#!/usr/bin/env node
import { main } from '../dist/src/cli/main.js'
import * as rehome from '../dist/src/index.js'

process.exitCode = await main(process.argv.slice(2), rehome)
