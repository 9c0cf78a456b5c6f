import { execFile } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { bundleProgram } from '../support/bundle-program'
import type { Scene } from './mysql2-loss-program'

let program: string
beforeAll(async () => {
  program = await bundleProgram(new URL('mysql2-loss-program.ts', import.meta.url))
})

// In child processes: an unhandled error ends the process.
describe.each(['newest', 'oldest'] as const)('mysql2, %s', { timeout: 60_000 }, (driver) => {
  let rds: TestEndpoint
  beforeAll(async () => {
    rds = await startEndpoint({ engine: 'mysql' })
  })
  afterAll(() => rds.close())

  function play(scene: Scene['play']): Promise<{ status: unknown; output: string[]; errors: string }> {
    const { port, user, database, ssl } = rds.options
    const told: Scene = {
      options: { port, user, database, ssl: ssl as object },
      region: rds.region,
      identity: rds.identity,
      driver,
      play: scene,
    }
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [program, JSON.stringify(told)],
        { timeout: 50_000 },
        (error, stdout, stderr) =>
          resolve({ status: error ? error.code : 0, output: stdout.trim().split('\n'), errors: stderr }),
      )
    })
  }

  it('rejects, and logs in again, when the connection ends before the token is ready', async () => {
    const { status, output, errors } = await play('token awaited')
    expect(output, errors).toEqual([
      'close, connection: PROTOCOL_CONNECTION_LOST, then logged in',
      'close, pool: PROTOCOL_CONNECTION_LOST, then logged in',
      'reset, connection: ECONNRESET, then logged in',
      'reset, pool: ECONNRESET, then logged in',
      'garbage, connection: ERR_SSL_WRONG_VERSION_NUMBER, then logged in',
      'garbage, pool: ERR_SSL_WRONG_VERSION_NUMBER, then logged in',
    ])
    expect(status, errors).toBe(0)
  })

  it('ends the process when a connection without a pool and without a listener is lost', async () => {
    const { status, output, errors } = await play('connection')
    const error = 'Connection lost: The server closed the connection.'
    expect(output).toEqual([`published PROTOCOL_CONNECTION_LOST: ${error}`])
    expect(errors).toContain(error)
    expect(status).toBe(1)
  })

  it("keeps the process alive when the loss of a pool's connection emits two errors", async () => {
    const { status, output, errors } = await play('pool')
    expect(output, errors).toEqual([expect.stringContaining('published PROTOCOL_UNEXPECTED_PACKET')])
    expect(status, errors).toBe(0)
  })
})
