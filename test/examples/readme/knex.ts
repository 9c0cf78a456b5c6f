import { pgConnection } from '@rds-iam/knex'
import knex from 'knex'

const db = knex({
  client: 'pg',
  connection: pgConnection({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }),
})
console.log(await db.select(db.raw('current_user')))
await db.destroy()
