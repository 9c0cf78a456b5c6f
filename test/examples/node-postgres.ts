import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'

const config = pgConfig({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app' })

// A pool. Each new connection gets its own token, now or next week.
const pool = new pg.Pool({ ...config, max: 20 })
console.log((await pool.query('select current_user')).rows)

// A large result, a few rows at a time.
const client = await pool.connect()
const cursor = client.query(new Cursor('select generate_series(1, 1000) as n'))
console.log(await cursor.read(3))
await cursor.close()
for await (const row of client.query(new QueryStream('select generate_series(1, 3) as n'))) console.log(row)
client.release()
await pool.end()

// One connection.
const single = new pg.Client(config)
await single.connect()
console.log((await single.query('select now()')).rows)
await single.end()
