import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { runProgram, type ProgramEnd } from './child-program'

const PROGRAM = `
import { subscribe } from 'node:diagnostics_channel'
import { pgConfig } from '@rds-iam/core/pg'
subscribe('rds-iam:connection.lost', ({ user, endpoint, error }) =>
  console.log('lost:', user, endpoint.port, error.message))
const credentials = async () => given.identity
const config = pgConfig({ ...given.options, iam: { ...given.options.iam, credentials } })
const pg = (await import(given.pg)).default
`

describe.each(['pg', 'pg-8.11'])('a %s connection that the server closes', (pg) => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'postgres' })
  })
  afterEach(() => rds.close())

  /** Runs a program, and closes its connections from the server when it prints "connected". */
  function run(source: string): Promise<ProgramEnd> {
    const given = { pg, options: rds.options, identity: rds.identity }
    return runProgram(PROGRAM + source, given, (line) => {
      if (line === 'connected') rds.dropConnections()
    })
  }
  const lost = () => `lost: ${rds.user} ${rds.port} Connection terminated unexpectedly`

  it("ends the process with the driver's error when a Client without a pool has no 'error' listener", async () => {
    const { status, stdout, stderr } = await run(`
      const client = new pg.Client(config)
      await client.connect()
      console.log('connected')`)
    expect(status).toBe(1)
    expect(stderr).toContain('Error: Connection terminated unexpectedly')
    expect(stdout).toBe(`connected\n${lost()}\n`)
  })

  it("emits 'error' once to the listener of a Client without a pool", async () => {
    const { status, stdout, stderr } = await run(`
      const client = new pg.Client(config)
      client.on('error', (error) => console.log('error:', error.message))
      await client.connect()
      console.log('connected')`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe(`connected\n${lost()}\nerror: Connection terminated unexpectedly\n`)
  })

  it.each([
    ['idle', 'client.release()'],
    ['checked out', ''],
  ])('does not end the process when it is %s in a pool', async (_, release) => {
    const { status, stdout, stderr } = await run(`
      const pool = new pg.Pool(config)
      const client = await pool.connect()
      ${release}
      const ended = new Promise((resolve) => client.once('end', resolve))
      console.log('connected')
      await ended
      ${release ? '' : 'client.release()'}
      console.log('rows:', (await pool.query('select 1')).rowCount)
      await pool.end()`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe(`connected\n${lost()}\nrows: 1\n`)
  })
})

describe.each(['knex', 'knex-3.1'])('a %s connection that the server closes', (knex) => {
  it('does not end the process', async () => {
    const rds = await startEndpoint({ engine: 'postgres' })
    try {
      const { status, stdout, stderr } = await runProgram(
        `${PROGRAM}
        const knex = (await import(given.knex)).default
        const db = knex({ client: 'pg', connection: config, pool: { min: 0, max: 1 } })
        let ended
        await db.transaction(async (trx) => {
          const client = await trx.client.acquireConnection()
          ended = new Promise((resolve) => client.once('end', resolve))
        })
        console.log('connected')
        await ended
        console.log('rows:', (await db.raw('select 1')).rowCount)
        await db.destroy()`,
        { pg: 'pg', knex, options: rds.options, identity: rds.identity },
        (line) => {
          if (line === 'connected') rds.dropConnections()
        },
      )
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toContain('rows: 1\n')
    } finally {
      await rds.close()
    }
  })
})
