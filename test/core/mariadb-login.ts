// Logs in to a failing server with a single connection and with a pool, once for each case. Prints the results.
import { once } from 'node:events'
import { mariadbConfig, type MariadbOptions } from '@rds-iam/core/mariadb'
import mariadb from 'mariadb'
import oldestMariadb from 'mariadb-3.4'

/** The test's description of one case. */
export interface Scene {
  version: string
  options: MariadbOptions
  identity: { accessKeyId: string; secretAccessKey: string }
  /** Whether the token becomes ready only after the server has failed. */
  waitsForFailure: boolean
}

const fromTest = async (): Promise<unknown> => (await once(process, 'message'))[0]

async function play({ version, options, identity, waitsForFailure }: Scene): Promise<unknown> {
  const { createConnection, createPool } =
    version === '3.4' ? (oldestMariadb as unknown as typeof mariadb) : mariadb
  async function credentials() {
    if (waitsForFailure) await fromTest()
    return identity
  }
  const config = mariadbConfig({ ...options, iam: { ...options.iam, credentials } })
  const connection = await createConnection(config).then(
    () => 'logged in',
    () => 'rejected',
  )
  const pool = createPool({ ...config, connectionLimit: 1, acquireTimeout: 15_000 })
  const [{ answer }] = await pool.query("select 'well' as answer")
  await pool.end()
  return { connection, pool: answer }
}

async function main(): Promise<void> {
  for (;;) {
    process.send?.('ready')
    const scene = (await fromTest()) as Scene | 'done'
    if (scene === 'done') break
    process.stdout.write(`${JSON.stringify(await play(scene))}\n`)
  }
  process.disconnect()
}

void main()
