import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { DataSource } from 'typeorm'

// PostgreSQL: `extra` is what TypeORM hands to the driver, before its own options.
const postgres = await new DataSource({
  type: 'postgres',
  extra: { ...pgConfig({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }), max: 20 },
}).initialize()
await postgres.transaction(async (manager) => console.log(await manager.query('select current_user')))
await postgres.destroy()

// MySQL and MariaDB.
const port = Number(process.env.DB_PORT ?? 3306)
const mysqlLogin = mysql2Config({ host: process.env.DB_HOST, port, user: 'jane_doe', database: 'app' })
const mysql = await new DataSource({ type: 'mysql', extra: mysqlLogin }).initialize()
console.log(await mysql.query('select current_user()'))
await mysql.destroy()

// Read replicas: `extra` would hide their hosts, so it gets only what they have in common.
const {
  host,
  user: username,
  password,
  ssl,
  stream,
} = pgConfig({ host: process.env.DB_HOST, user: 'jane_doe' })
const endpoint = { username, password, ssl, database: 'app' }
const replicated = await new DataSource({
  type: 'postgres',
  replication: {
    master: { ...endpoint, host },
    slaves: [{ ...endpoint, host: process.env.DB_REPLICA_HOST ?? host }],
  },
  extra: { stream },
}).initialize()
console.log(await replicated.query('select 1 as one'))
await replicated.destroy()
