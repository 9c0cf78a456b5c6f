import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { mysql2Config } from '@rds-iam/core/mysql2'
import newest from 'mysql2'
import oldest from 'mysql2-3.15'
import type { TestIdentity } from '@rds-iam/local'
import type { DriverError } from '../contract/outcome'
import { startRelay, type Cut } from './mysql2-relay'

/** The program's argument, as JSON: the endpoint's login options, and the scene to run. */
export interface Scene {
  options: { port: number; user: string; database: string; ssl: object }
  region: string
  identity: TestIdentity
  driver: 'newest' | 'oldest'
  play: keyof typeof plays
}

const { options, region, identity, driver, play } = JSON.parse(process.argv[2] ?? '') as Scene
const mysql = (driver === 'newest' ? newest : oldest) as typeof newest

// COM_PING, written directly to the socket, which mysql2 does not expect.
const PING = Buffer.from([1, 0, 0, 0, 14])

/** A configuration that logs in through a relay. */
function through(relay: { port: number }, credentials: () => Promise<TestIdentity>) {
  const iam = { region, credentials, endpoint: `localhost:${options.port}` }
  return mysql2Config({ ...options, host: 'localhost', port: relay.port, iam })
}

function print(text: unknown): void {
  process.stdout.write(`${text}\n`)
}

const plays = {
  /** The connection ends while the server waits for the token. The token becomes ready afterwards. */
  async 'token awaited'() {
    for (const how of ['close', 'reset', 'garbage'] as const) {
      for (const form of ['connection', 'pool'] as const) await interrupt(how, form)
    }
  },

  /** A connection without a pool and without a listener is lost. */
  async connection() {
    const relay = await startRelay(options.port)
    const connection = mysql.createConnection(through(relay, async () => identity))
    await once(connection, 'connect')
    relay.close()
    relay.cut('close')
  },

  /** An idle connection of a pool receives an unexpected packet, then garbage when mysql2 closes it. */
  async pool() {
    let isIdle = false
    let isAnswered = false
    const relay = await startRelay(options.port, (chunk, from) => {
      if (from === 'server') isAnswered = isIdle
      else if (isAnswered) relay.cut('garbage')
      return chunk
    })
    const pool = mysql.createPool(through(relay, async () => identity))
    pool.getConnection((_, connection) => {
      connection.release()
      isIdle = true
      const { stream } = connection as unknown as { stream: Socket }
      stream.write(PING)
      stream.once('close', () => {
        relay.close()
        pool.end()
      })
    })
  },
}

async function interrupt(how: Cut, form: 'connection' | 'pool'): Promise<void> {
  const relay = await startRelay(options.port)
  let answer = () => {}
  const answered = new Promise<TestIdentity>((resolve) => {
    answer = () => resolve(identity)
  })
  const config = through(relay, () => answered)
  const { mysql_clear_password: plugin } = config.authPlugins
  let logins = 0
  config.authPlugins = {
    mysql_clear_password: (login) => {
      if (logins++ === 0) relay.cut(how)
      return plugin(login)
    },
  }
  const pool = form === 'pool' ? mysql.createPool(config) : undefined
  const query = () =>
    new Promise<unknown>((resolve, reject) => {
      const connection = pool ?? mysql.createConnection(config)
      connection.query('select 1', (error, rows) => {
        if (error) return reject(error)
        if (!pool) connection.end()
        resolve(rows)
      })
    })
  const error: unknown = await query().catch((reason: unknown) => reason)
  answer()
  await query()
  pool?.end()
  relay.close()
  print(`${how}, ${form}: ${(error as DriverError).code}, then logged in`)
}

subscribe('rds-iam:connection.lost', (message) => {
  const { error } = message as { error: DriverError }
  print(`published ${error.code}: ${error.message}`)
})
await plays[play]()
