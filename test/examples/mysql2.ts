import { mysql2Config } from '@rds-iam/core/mysql2'
import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'

const config = mysql2Config({
  host: process.env.DB_HOST,
  port: Number(process.env.DB_PORT ?? 3306),
  user: 'jane_doe',
  database: 'app',
})

// A pool. Each new connection gets its own token, now or next week.
const pool = mysql.createPool({ ...config, connectionLimit: 20 })
console.log((await pool.query('select current_user()'))[0])
await pool.end()

// One connection, by promises and by callbacks.
const connection = await mysql.createConnection(config)
console.log((await connection.query('select 1 as one'))[0])
await connection.end()

const callback = mysqlCallback.createConnection(config)
callback.query('select 2 as two', (error, rows) => {
  console.log(error ?? rows)
  callback.end()
})

// Several endpoints. Each connection's token is for its own endpoint.
const cluster = mysql.createPoolCluster()
cluster.add('writer', config)
cluster.add('reader', { ...config, host: process.env.DB_REPLICA_HOST ?? config.host })
console.log((await cluster.of('writer').query('select 3 as three'))[0])
console.log((await cluster.of('reader').query('select 4 as four'))[0])
await cluster.end()
