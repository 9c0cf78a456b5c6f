import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createTokenProvider } from '@rds-iam/core'
import { startMysql, startPostgres, type DatabaseServer, type Engine } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import pg from 'pg'

/** Where and as whom one logs in: an RDS endpoint that verifies tokens, in front of a real server. */
export interface Endpoint {
  engine: Engine
  host: string
  port: number
  /** The same endpoint at a distance of 20 ms there and back. */
  delayedPort: number
  user: string
  region: string
  database: string
  /** What signed its certificate, in PEM. */
  ca: string
  /** Credentials that may log in, as environment variables. */
  env: Record<string, string>
}

/** The servers of a run. */
export interface Scene {
  postgres: Endpoint
  mysql: Endpoint
  close(): Promise<void>
}

const ROWS = 100

/** Starts PostgreSQL and MariaDB, and before each an endpoint in a process of its own. */
export async function startScene(): Promise<Scene> {
  const open: { servers: DatabaseServer[]; endpoints: ChildProcess[] } = { servers: [], endpoints: [] }
  const close = async () => {
    for (const endpoint of open.endpoints) endpoint.kill()
    for (const server of open.servers) await server.stop()
  }
  async function start(engine: Engine, server: DatabaseServer): Promise<Endpoint> {
    open.servers.push(server)
    const child = fork(fileURLToPath(new URL('rds-endpoint.ts', import.meta.url)), [engine, server.url])
    open.endpoints.push(child)
    const [endpoint] = (await once(child, 'message')) as [Endpoint]
    return endpoint
  }
  try {
    const postgres = await startPostgres()
    const scene = { postgres: await start('postgres', postgres) }
    await fillPostgres(postgres.url)
    const mariadb = await startMysql()
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
  await admin.query(
    `create table hundred as select id, repeat('x', 50) as payload from generate_series(1, ${ROWS}) as id`,
  )
  await admin.end()
}

async function fillMysql(url: string): Promise<void> {
  const admin = await mysql.createConnection(url)
  await admin.query('set global max_connections = 1100')
  await admin.query('create table hundred (id int, payload varchar(50))')
  const rows = Array.from({ length: ROWS }, (_, id) => [id, 'x'.repeat(50)])
  await admin.query('insert into hundred values ?', [rows])
  await admin.end()
}

/** Credentials of an endpoint, as the SDK has them. */
export function identityOf({ env }: Endpoint): { accessKeyId: string; secretAccessKey: string } {
  return {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
}

const providers = new WeakMap<Endpoint, ReturnType<typeof createTokenProvider>>()

/** A token that is good now, to be used as a static password. */
export async function staticToken(endpoint: Endpoint): Promise<string> {
  let provider = providers.get(endpoint)
  if (!provider) {
    const { host, port, user, region } = endpoint
    provider = createTokenProvider({ host, port, user, region, credentials: identityOf(endpoint) })
    providers.set(endpoint, provider)
  }
  return (await provider.getToken()).value
}

/** What a program in a process of its own is told about an endpoint. */
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
