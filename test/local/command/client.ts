import { readFileSync } from 'node:fs'
import { createTokenProvider } from '@rds-iam/core'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Readiness } from './command'

/** A token for the endpoint of a command, made with the credentials that it printed. */
export async function signFor(
  { host, port, user, region, env }: Readiness,
  as: { user?: string; host?: string } = {},
): Promise<string> {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN } = env
  const credentials = {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
  }
  const provider = createTokenProvider({ host, port, user, region, credentials, ...as })
  return (await provider.getToken()).value
}

/** Who a session of PostgreSQL is; parts of the configuration may be replaced. */
export async function whoInPostgres(ready: Readiness, config: pg.ClientConfig = {}): Promise<string> {
  const { host, port, user, database, caFile } = ready
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    password: () => signFor(ready, { user: config.user ?? user }),
    ssl: { ca: readFileSync(caFile, 'utf8') },
    ...config,
  })
  await client.connect()
  const { rows } = await client.query<{ name: string }>('select current_user::text as name')
  await client.end()
  return rows[0]?.name ?? ''
}

/** Who a session of MySQL is. */
export async function whoInMysql(ready: Readiness, asUser = ready.user): Promise<string> {
  const { host, port, database, caFile } = ready
  const token = await signFor(ready, { user: asUser })
  const client = await mysql.createConnection({
    host,
    port,
    user: asUser,
    database,
    ssl: { ca: readFileSync(caFile, 'utf8'), verifyIdentity: true },
    authPlugins: { mysql_clear_password: () => () => Buffer.from(`${token}\0`) },
  })
  const [rows] = await client.query<mysql.RowDataPacket[]>('select current_user() as name')
  await client.end()
  return String(rows[0]?.name)
}
