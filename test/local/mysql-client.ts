import { randomBytes } from 'node:crypto'
import type { BackendLogin, LocalRds } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import { sign } from './sign'

/** Options for mysql2 that answer the auth switch with the given token, or a right one. */
export async function mysqlOptions(
  rds: LocalRds,
  config: mysql.ConnectionOptions = {},
  token?: string,
): Promise<mysql.ConnectionOptions> {
  const password = token ?? (await sign(rds, { user: config.user ?? rds.user }))
  return {
    host: 'localhost',
    port: rds.port,
    user: rds.user,
    database: rds.database,
    ssl: { ca: rds.ca, verifyIdentity: true },
    authPlugins: { mysql_clear_password: () => () => Buffer.from(`${password}\0`) },
    ...config,
  }
}

/** A connected client. */
export async function mysqlClient(
  rds: LocalRds,
  config: mysql.ConnectionOptions = {},
  token?: string,
): Promise<mysql.Connection> {
  return mysql.createConnection(await mysqlOptions(rds, config, token))
}

/** The rows of a query. */
export async function rows(
  session: mysql.Connection,
  sql: string,
  values: unknown[] = [],
): Promise<mysql.RowDataPacket[]> {
  const [result] = await session.query<mysql.RowDataPacket[]>(sql, values)
  return result
}

/** Creates a user of the database, with a name of its own, for each user of an endpoint. */
export async function createBackendUsers(
  admin: mysql.Connection,
  users: string[],
): Promise<Record<string, BackendLogin & { password: string }>> {
  const logins = users.map((user) => {
    const suffix = randomBytes(4).toString('hex')
    return [user, { user: `${user}_${suffix}`, password: `only the endpoint knows ${suffix}` }] as const
  })
  for (const [, { user, password }] of logins) {
    await admin.query(`create user ?@'%' identified by ?`, [user, password])
    await admin.query(`grant all on *.* to ?@'%'`, [user])
  }
  return Object.fromEntries(logins)
}

/** Drops the users that were created. */
export async function dropBackendUsers(
  admin: mysql.Connection,
  logins: Record<string, BackendLogin>,
): Promise<void> {
  for (const { user } of Object.values(logins)) await admin.query(`drop user ?@'%'`, [user])
}
