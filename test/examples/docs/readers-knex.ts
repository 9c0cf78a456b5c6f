import { mysql2Connection } from '@rds-iam/knex'
import knex from 'knex'

const login = {
  host: process.env.DB_HOST,
  port: Number(process.env.DB_PORT ?? 3306),
  user: 'jane_doe',
  database: 'app',
}
const open = (target: 'writer' | 'reader') =>
  knex({
    client: 'mysql2',
    connection: mysql2Connection({ ...login, iam: { target } }),
    pool: { min: 0, max: 20 },
  })
const writer = open('writer')
const reader = open('reader')

await writer('orders').insert({ item: 'tea' })
console.log(await reader('orders').select())
console.log((await reader.raw('select @@innodb_read_only as reader'))[0])

await writer.destroy()
await reader.destroy()
