// The types that an application with knex sees.
import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import { knex, type Knex } from 'knex'

const options = { host: 'app.abcdefghijkl.eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }

export const postgres: Knex = knex({
  client: 'pg',
  connection: pgConnection({ ...options, application_name: 'shop', iam: { region: 'eu-west-1' } }),
  pool: { min: 0, max: 20 },
})
export const mysql: Knex = knex({
  client: 'mysql2',
  connection: mysql2Connection({ ...options, iam: { region: 'eu-west-1' } }),
})
export const postgresProvider: Knex.AsyncConnectionConfigProvider = pgConnection(options)
export const mysqlProvider: Knex.AsyncConnectionConfigProvider = mysql2Connection(options)
export const config: Knex.Config = { client: 'pg', connection: postgresProvider }

// Objects of knex's own types may have a password: it is refused when they have one.
export const declaredPostgres = (given: Knex.PgConnectionConfig) => pgConnection(given)
export const declaredMysql = (given: Knex.MySql2ConnectionConfig) => mysql2Connection(given)

// @ts-expect-error: an IAM login has no password
pgConnection({ ...options, password: 'secret' })
// @ts-expect-error: an IAM login has no password
mysql2Connection({ ...options, password: 'secret' })
// @ts-expect-error: a misspelt option
pgConnection({ ...options, iam: { region: 'eu-west-1', regoin: 'eu-west-1' } })
// @ts-expect-error: a misspelt option
mysql2Connection({ ...options, iam: { region: 'eu-west-1', regoin: 'eu-west-1' } })
