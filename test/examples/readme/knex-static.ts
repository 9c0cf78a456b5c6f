import { mysql2Config } from '@rds-iam/core/mysql2'
import knex from 'knex'

const db = knex({
  client: 'mysql2',
  connection: mysql2Config({
    host: process.env.DB_HOST,
    port: Number(process.env.DB_PORT ?? 3306),
    user: 'jane_doe',
    database: 'app',
  }),
})
console.log(await db('orders').columnInfo())
await db.destroy()
