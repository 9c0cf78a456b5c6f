// Logs in with every library, makes logins fail, and prints every object that an application could print.
import { inspect } from 'node:util'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import { createTokenProvider } from '@rds-iam/core'
import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import knex from 'knex'
import { Kysely, MysqlDialect, PostgresDialect, sql } from 'kysely'
import mariadbDriver, { type Connection } from 'mariadb'
import mysql from 'mysql2'
import pg from 'pg'
import postgresJs from 'postgres'
import type { LoginOptions } from '../contract/adapter'

const {
  postgres,
  mysql: mariadb,
  secretAccessKey,
  accessKeyId,
  sessionToken,
  clientCertificate,
} = JSON.parse(process.env['SCENE'] ?? '') as Record<'postgres' | 'mysql', LoginOptions> &
  Record<'secretAccessKey' | 'accessKeyId' | 'sessionToken', string> &
  Record<'clientCertificate', object>

const good = { accessKeyId, secretAccessKey, sessionToken }
const bad = { ...good, accessKeyId: 'ASIAREFUSED' }

function print(...values: unknown[]): void {
  for (const value of values) {
    console.log(inspect(value, { depth: 12, maxArrayLength: null, maxStringLength: null }))
    console.log(
      '%o %j',
      value instanceof Error ? value : undefined,
      value instanceof Error ? { ...value } : undefined,
    )
    if (value instanceof Error) console.log(value.stack, value)
  }
  try {
    console.log(JSON.stringify(values))
  } catch {
    // The drivers' objects are circular.
  }
}

for (const credentials of [good, bad]) {
  const iam = { region: 'us-east-1', credentials }
  const pgOptions = { ...postgres, ssl: { ...postgres.ssl, ...clientCertificate }, iam }
  const mysqlOptions = { ...mariadb, ssl: { ...mariadb.ssl, ...clientCertificate }, iam }
  print(
    pgConfig(pgOptions),
    mysql2Config(mysqlOptions),
    postgresConfig(pgOptions),
    mariadbConfig(mysqlOptions),
    pgConnection(pgOptions),
    mysqlDialectConfig(mysqlOptions),
  )
  const provider = createTokenProvider({ host: 'localhost', port: 5432, user: 'a', ...iam })
  print(provider, await provider.getToken(), `${String(await provider.getToken())}`)

  const knexes = [
    knex({ client: 'pg', connection: pgConnection(pgOptions), pool: { min: 0 }, debug: true }),
    knex({ client: 'pg', connection: pgConfig(pgOptions), pool: { min: 0 }, debug: true }),
    knex({ client: 'mysql2', connection: mysql2Connection(mysqlOptions), pool: { min: 0 }, debug: true }),
    knex({ client: 'mysql2', connection: mysql2Config(mysqlOptions), pool: { min: 0 }, debug: true }),
  ]
  for (const db of knexes) {
    const result = await db
      .transaction(async (trx) => {
        print(trx, await trx.raw('select 1'))
        return trx.raw('select nonsense')
      })
      .catch((error: unknown) => error)
    print(result, db, db.client)
    await db.destroy()
  }

  const kyselys = [
    new PostgresDialect(postgresDialectConfig(pgOptions)),
    new MysqlDialect(mysqlDialectConfig(mysqlOptions)),
  ].map((dialect) => new Kysely<unknown>({ dialect, log: ['query', 'error'] }))
  for (const db of kyselys) {
    print(await sql`select 1`.execute(db).catch((error: unknown) => error), db)
    print(await sql`select nonsense`.execute(db).catch((error: unknown) => error))
    await db.destroy()
  }

  const client = new pg.Client(pgConfig(pgOptions))
  print(await client.connect().catch((error: unknown) => error), client)
  await client.end()
  const pool = new pg.Pool(pgConfig(pgOptions))
  print(await pool.query('select nonsense').catch((error: unknown) => error), pool)
  await pool.end()
  const connection = mysql.createConnection(mysql2Config(mysqlOptions))
  print(await new Promise((resolve) => connection.connect(resolve)), connection)
  connection.destroy()
  const sqlTag = postgresJs(postgresConfig({ ...pgOptions, onclose: print }))
  print(await sqlTag`select nonsense`.catch((error: unknown) => error), sqlTag, sqlTag.options)
  await sqlTag.end()
  const opened = await mariadbDriver
    .createConnection(mariadbConfig(mysqlOptions))
    .catch((error: unknown) => error)
  print(opened)
  if (!(opened instanceof Error)) await (opened as Connection).end()
}
