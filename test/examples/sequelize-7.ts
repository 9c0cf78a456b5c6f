import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { QueryTypes, Sequelize } from '@sequelize/core'
import { MySqlDialect } from '@sequelize/mysql'
import { PostgresDialect } from '@sequelize/postgres'

// PostgreSQL, with a read replica.
const { host, port, user, password, ssl, stream } = pgConfig({ host: process.env.DB_HOST, user: 'jane_doe' })
const postgres = new Sequelize({
  dialect: PostgresDialect,
  port,
  user,
  password,
  ssl,
  stream,
  database: 'app',
  replication: {
    write: { host },
    read: [{ host: process.env.DB_REPLICA_HOST ?? host }],
  },
  pool: { max: 20 },
})
await postgres.transaction(() => postgres.query('select current_user'))
console.log(await postgres.query('select 1 as one', { plain: true, type: QueryTypes.SELECT }))
await postgres.close()

// MySQL and MariaDB.
const mysql = new Sequelize({
  dialect: MySqlDialect,
  ...mysql2Config({ host: process.env.DB_HOST, port: Number(process.env.DB_PORT ?? 3306), user: 'jane_doe' }),
  database: 'app',
})
console.log(await mysql.query('select current_user()'))
await mysql.close()
