import { mariadbConfig } from '@rds-iam/core/mariadb'
import mariadb from 'mariadb'

const config = mariadbConfig({
  host: process.env.DB_HOST,
  port: Number(process.env.DB_PORT ?? 3306),
  user: 'jane_doe',
  database: 'app',
})

// A pool. Each new connection gets its own token, now or next week.
const pool = mariadb.createPool({ ...config, connectionLimit: 20, minimumIdle: 2 })
console.log(await pool.query('select current_user()'))
const connection = await pool.getConnection()
await connection.beginTransaction()
await connection.query('create temporary table orders (item varchar(20))')
await connection.batch('insert into orders values (?)', [['tea'], ['milk']])
console.log(await connection.query('select * from orders'))
await connection.rollback()
await connection.release()
await pool.end()

// One connection. Without a listener, the process ends when the server closes the connection.
const single = await mariadb.createConnection(config)
single.on('error', (error) => console.error(error))
console.log(await single.query('select 1 as one'))
await single.end()

// Several endpoints. Each connection's token is for its own endpoint.
const cluster = mariadb.createPoolCluster()
cluster.add('writer', { ...config, minimumIdle: 1 })
cluster.add('reader', { ...config, host: process.env.DB_REPLICA_HOST ?? config.host, minimumIdle: 1 })
for (const node of ['writer', 'reader']) console.log(await cluster.of(node).query('select 2 as two'))
await cluster.end()
