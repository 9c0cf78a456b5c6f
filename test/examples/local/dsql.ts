import { pgConfig } from '@rds-iam/core/pg'
import { startLocalRds } from '@rds-iam/local'
import pg from 'pg'

const endpoint = 'foo0bar1baz2quux3quuux4abc.dsql.us-east-1.on.aws'
const rds = await startLocalRds({ engine: 'dsql', endpoints: [endpoint], maxSessionSeconds: 3600 })
Object.assign(process.env, rds.env)
const { port, database, ca } = rds
const login = { host: 'localhost', port, user: 'admin', database, ssl: { ca }, iam: { endpoint } }
const pool = new pg.Pool(pgConfig(login))
await pool.query('create table orders (id int primary key)')

await rds.configure({ conflicts: 2 }) // the next two transactions that write fail with 40001 (OC000)
await pool.query('insert into orders values (1)').catch((error) => console.log(error.code, error.message))
await rds.configure({ conflicts: 1, conflictCode: 'OC001' }) // the next one fails because the schema was changed
await pool.query('insert into orders values (1)').catch((error) => console.log(error.code, error.message))
await rds.configure({ maxSessionSeconds: 5 }) // sessions that begin from now on are closed after 5 seconds
await pool.end()
await rds.close()
