import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { RDS, testStage } from './scene'

const run = promisify(execFile)

const PROGRAM = `
import { createTokenProvider } from '${import.meta.resolve('@rds-iam/core')}'
const provider = createTokenProvider({ ...${JSON.stringify(RDS)}, timeoutMs: 300 })
for (let attempt = 0; attempt < 3; attempt++) await provider.getToken().catch(({ code }) => console.log(code))
`

describe('a process whose credential fetch hangs', () => {
  const stage = testStage()

  it.each([
    ['container', 'container'],
    ['imds', 'imds'],
    ['webIdentity', 'sts'],
  ] as const)('exits by itself when the source is %s', async (name, source) => {
    const scene = await stage.startEndpoints()
    scene.setFault(source, 'hang')
    const env = { ...process.env, ...scene.env[name] }
    const { stdout } = await run(process.execPath, [stage.write('program.mjs', PROGRAM)], { env })
    expect(stdout).toBe('TOKEN_TIMEOUT\n'.repeat(3))
    expect(scene.requests[source]).toBeGreaterThanOrEqual(3)
  })
})
