import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// In a process of its own, because a loop in it would stop this one.
const PROGRAM = `
  const { readBytes } = require('@rds-iam/core/internal')
  const { PassThrough } = require('node:stream')
  const stream = new PassThrough()
  readBytes(stream, 4).then((bytes) => process.stdout.write(bytes))
  stream.write('wo')
  setImmediate(() => stream.end('rd, and more'))
`

test('waits for the rest of a message that arrives in two parts', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', PROGRAM], {
    cwd: import.meta.dirname,
    timeout: 20_000,
  })
  expect(stdout).toBe('word')
})
