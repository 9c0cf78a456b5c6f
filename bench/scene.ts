import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createTokenProvider } from '@rds-iam/core'
import type { DatabaseServer, Engine } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { HUNDRED_ROWS } from './hundred-rows'
import { startTestMysql } from '../test/servers/mysql'
import { startTestPostgres } from '../test/servers/postgres'

/** The name that tokens for the local Aurora DSQL endpoint must contain. */
export const DSQL_ENDPOINT = 'abc0def1baz2quux3quuux4567.dsql.us-east-1.on.aws'

/** A local RDS endpoint, which verifies tokens, in front of a real server. */
export interface Endpoint {
  engine: Engine
  host: string
  port: number
  /** The same endpoint with a round trip of 20 ms. */
  delayedPort: number
  user: string
  region: string
  database: string
  /** The CA certificate for clients, in PEM. */
  ca: string
  /** The administrator's URL of the server behind the endpoint. */
  backend: string
  /** Credentials that the endpoint accepts, as environment variables. */
  env: Record<string, string>
}

/** The servers of a benchmark run. */
export interface Scene {
  postgres: Endpoint
  mysql: Endpoint
  /** A local Aurora DSQL endpoint in front of the same PostgreSQL. */
  dsql: Endpoint
  close(): Promise<void>
}

/** Starts PostgreSQL and MariaDB, each with an endpoint in its own process. */
export async function startScene(): Promise<Scene> {
  const open: { servers: Pick<DatabaseServer, 'stop'>[]; endpoints: ChildProcess[] } = {
    servers: [],
    endpoints: [],
  }
  const close = async () => {
    for (const endpoint of open.endpoints) endpoint.kill()
    for (const server of open.servers) await server.stop()
  }
  async function start(engine: Engine, server: DatabaseServer): Promise<Endpoint> {
    const child = fork(fileURLToPath(new URL('rds-endpoint.ts', import.meta.url)), [engine, server.url])
    open.endpoints.push(child)
    const [endpoint] = (await once(child, 'message')) as [Endpoint]
    return endpoint
  }
  try {
    const postgres = await startTestPostgres()
    open.servers.push(postgres)
    const scene = { postgres: await start('postgres', postgres), dsql: await start('dsql', postgres) }
    await fillPostgres(postgres.url)
    const mariadb = await startTestMysql()
    open.servers.push(mariadb)
    await fillMysql(mariadb.url)
    return { ...scene, mysql: await start('mysql', mariadb), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function fillPostgres(url: string): Promise<void> {
  const admin = new pg.Client(url)
  await admin.connect()
  await admin.query(HUNDRED_ROWS)
  await admin.end()
}

async function fillMysql(url: string): Promise<void> {
  const admin = await mysql.createConnection(url)
  await admin.query('set global max_connections = 1100')
  await admin.query('set global connect_timeout = 120')
  await admin.query('create table hundred (id int, payload varchar(50))')
  const rows = Array.from({ length: 100 }, (_, id) => [id, 'x'.repeat(50)])
  await admin.query('insert into hundred values ?', [rows])
  await admin.end()
}

/** Credentials that an endpoint accepts, as an object of the AWS SDK. */
export function identityOf({ env }: Endpoint): { accessKeyId: string; secretAccessKey: string } {
  return {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
}

const providers = new WeakMap<Endpoint, ReturnType<typeof createTokenProvider>>()

/** A valid token, for use as a static password. */
export async function staticToken(endpoint: Endpoint): Promise<string> {
  let provider = providers.get(endpoint)
  if (!provider) {
    const { engine, port, user, region } = endpoint
    const host = engine === 'dsql' ? DSQL_ENDPOINT : endpoint.host
    provider = createTokenProvider({ host, port, user, region, credentials: identityOf(endpoint) })
    providers.set(endpoint, provider)
  }
  return (await provider.getToken()).value
}

/** The environment variables that describe an endpoint to a measured program. */
export async function environment(endpoint: Endpoint): Promise<Record<string, string>> {
  const { host, port, user, database, ca, region, env } = endpoint
  return {
    ...env,
    AWS_REGION: region,
    HOST: host,
    PORT: String(port),
    DB_USER: user,
    DATABASE: database,
    CA: ca,
    TOKEN: await staticToken(endpoint),
  }
}

/** Waits until the server behind an endpoint has closed the connections of all programs that have exited. */
export async function allClosed({ engine, backend }: Endpoint): Promise<void> {
  if (engine !== 'mysql') {
    const admin = new pg.Client(backend)
    await admin.connect()
    const isBusy = `select pg_sleep(0.1) from pg_stat_activity where backend_type = 'client backend' offset 1 limit 1`
    while ((await admin.query(isBusy)).rows.length > 0);
    await admin.end()
  } else {
    const admin = await mysql.createConnection(backend)
    const isBusy = `select sleep(0.1) from information_schema.processlist
      where user = substring_index(current_user(), '@', 1) limit 1 offset 1`
    while (((await admin.query(isBusy))[0] as unknown[]).length > 0);
    await admin.end()
  }
}
