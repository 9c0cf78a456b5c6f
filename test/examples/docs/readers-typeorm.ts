import { pgConfig } from '@rds-iam/core/pg'
import { DataSource } from 'typeorm'

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }
const { host, port, user, password, ssl, stream } = pgConfig(login)
const endpoint = { port, username: user, password, ssl, database: 'app' }
const db = new DataSource({
  type: 'postgres',
  replication: {
    master: { ...endpoint, host },
    // The cluster's reader endpoint: NAME.cluster-ro-….
    slaves: [{ ...endpoint, host: process.env.DB_READER_HOST ?? host }],
  },
  extra: { stream, max: 20 },
})
await db.initialize()

await db.query("insert into orders (item) values ('tea')") // the writer
const reader = db.createQueryRunner('slave')
console.log(await reader.query('select pg_is_in_recovery() as reader'))
await reader.release()

await db.destroy()
