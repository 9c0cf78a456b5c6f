import { setTimeout as delay } from 'node:timers/promises'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { requireFromApplication } from '../application'
import { measure, timed, type Figure } from '../figures'
import { identityOf, staticToken, type Endpoint, type Scene } from '../scene'

/** The added time to a first row with round trips of 20 ms and a credential fetch of 50 ms. The SDK is loaded. */
export async function distance(scene: Scene, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const endpoint of [scene.postgres, scene.mysql]) {
    const subject = endpoint.engine === 'postgres' ? 'pg' : 'mysql2'
    const connect = subject === 'pg' ? pgFirstRow(endpoint) : mysql2FirstRow(endpoint)
    const what = 'first row at 20 ms, credentials take 50 ms: added'
    figures.push(
      ...(await measure(
        {
          baseline: () => timed(connect.baseline),
          'rds-iam': () => timed(connect.ours),
          'usual recipe': () => timed(connect.recipe),
        },
        [{ quantity: 'ms', what, subject, unit: 'ms', target: 5 }],
        seconds,
      )),
    )
  }
  return figures
}

/** Creates a new configuration, so that each connection fetches credentials and signs a token. */
function fresh(endpoint: Endpoint) {
  const { host, port, delayedPort, user, database, ca, region } = endpoint
  const credentials = async () => {
    await delay(50)
    return identityOf(endpoint)
  }
  const { Signer } = requireFromApplication('@aws-sdk/rds-signer') as {
    Signer: new (options: object) => { getAuthToken(): Promise<string> }
  }
  const signer = new Signer({ hostname: host, port, username: user, region, credentials })
  const address = { host, port: delayedPort, user, database }
  return {
    address,
    ca,
    sign: () => signer.getAuthToken(),
    ours: { ...address, ssl: { ca }, iam: { region, credentials, endpoint: `${host}:${port}` } },
  }
}

function pgFirstRow(endpoint: Endpoint) {
  const query = async (options: pg.ClientConfig) => {
    const client = new pg.Client(options)
    await client.connect()
    await client.query('select 1')
    await client.end()
  }
  const { address, ca, sign } = fresh(endpoint)
  return {
    baseline: async () => query({ ...address, ssl: { ca }, password: await staticToken(endpoint) }),
    ours: () => query(pgConfig(fresh(endpoint).ours)),
    recipe: () => query({ ...address, ssl: { ca }, password: sign }),
  }
}

function mysql2FirstRow(endpoint: Endpoint) {
  const query = async (options: object) => {
    const connection = await mysql.createConnection(options)
    await connection.query('select 1')
    await connection.end()
  }
  const { address, ca, sign } = fresh(endpoint)
  const withToken = (token: () => Promise<string>) => ({
    ...address,
    ssl: { ca, verifyIdentity: true },
    authPlugins: { mysql_clear_password: () => async () => Buffer.from(`${await token()}\0`) },
  })
  return {
    baseline: () => query(withToken(() => staticToken(endpoint))),
    ours: () => query(mysql2Config(fresh(endpoint).ours)),
    recipe: () => query(withToken(sign)),
  }
}
