import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import type { Knex } from 'knex'

const user = 'jane_doe'
const database = 'app'
const migrations = { directory: './migrations', tableName: 'shop_migrations' }

const config: Record<string, Knex.Config> = {
  // A database on the developer's machine, with a password.
  development: {
    client: 'pg',
    connection: { host: 'localhost', user: 'postgres', password: 'postgres', database },
    migrations,
  },
  // PostgreSQL on RDS, by IAM.
  production: {
    client: 'pg',
    connection: pgConnection({ host: process.env.DB_HOST, user, database }),
    migrations,
  },
  // MySQL or MariaDB on RDS, by IAM.
  warehouse: {
    client: 'mysql2',
    connection: mysql2Connection({
      host: process.env.DB_HOST,
      port: process.env.DB_PORT ?? 3306,
      user,
      database,
    }),
    migrations,
  },
}
export default config
