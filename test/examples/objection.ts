import { pgConnection } from '@rds-iam/knex'
import knex from 'knex'
import { Model } from 'objection'

class Order extends Model {
  static override tableName = 'objection_orders'
  declare id: number
  declare item: string
}

// Objection runs on knex. Its pool gets a token for each new connection.
const db = knex({
  client: 'pg',
  connection: pgConnection({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }),
  pool: { min: 0, max: 20 },
})
Model.knex(db)

await db.schema.createTable(Order.tableName, (table) => {
  table.increments('id')
  table.string('item')
})
await Order.transaction(async (trx) => {
  await Order.query(trx).insert({ item: 'tea' })
  await Order.query(trx).insert({ item: 'coffee' })
})
console.log(await Order.query().where('item', 'tea'))
await db.schema.dropTable(Order.tableName)
await db.destroy()
