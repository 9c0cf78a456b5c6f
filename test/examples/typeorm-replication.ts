import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { DataSource } from 'typeorm'

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }

// A host in `extra` would replace the hosts of the replicas, so `extra` gets only the common options.
const { host, port, user, password, ssl, stream } = pgConfig(login)
const endpoint = { port, username: user, password, ssl, database: 'app' }
const postgres = new DataSource({
  type: 'postgres',
  replication: {
    master: { ...endpoint, host },
    slaves: [{ ...endpoint, host: process.env.DB_REPLICA_HOST ?? host }],
  },
  extra: { stream, max: 20 },
})
await postgres.initialize()
console.log(await postgres.query('select current_user'))
await postgres.destroy()

// MySQL and MariaDB.
const config = mysql2Config({ ...login, port: Number(process.env.DB_PORT ?? 3306) })
const mysqlEndpoint = { port: config.port, username: user, database: 'app' }
const mysql = new DataSource({
  type: 'mysql',
  replication: {
    master: { ...mysqlEndpoint, host },
    slaves: [{ ...mysqlEndpoint, host: process.env.DB_REPLICA_HOST ?? host }],
  },
  extra: { ssl: config.ssl, authPlugins: config.authPlugins, stream: config.stream },
})
await mysql.initialize()
console.log(await mysql.query('select current_user()'))
await mysql.destroy()
