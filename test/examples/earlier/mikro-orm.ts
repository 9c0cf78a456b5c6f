import { MikroORM as MysqlORM } from '@mikro-orm/mysql'
import { EntitySchema, MikroORM } from '@mikro-orm/postgresql'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'

interface Order {
  id: number
  item: string
  day: string
}
const Order = new EntitySchema<Order>({
  name: 'Order',
  tableName: 'mikro_6_orders',
  properties: { id: { type: 'integer', primary: true }, item: { type: 'string' }, day: { type: 'date' } },
})
const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }

// PostgreSQL: MikroORM 6 calls a password function itself, so give it a function that returns pg's function.
const { password, ...connection } = pgConfig(login)
const postgres = await MikroORM.init({
  entities: [Order],
  dbName: login.database,
  user: login.user,
  driverOptions: { connection: { ...connection, password: () => ({ password }) } },
  // A replica has the same connection with another host. Each token is for the endpoint that its connection goes to.
  replicas: [{ driverOptions: { connection: { host: process.env.DB_REPLICA_HOST ?? connection.host } } }],
  pool: { max: 20 },
})
await postgres.schema.createSchema()
await postgres.em.fork().transactional(async (em) => {
  em.create(Order, { id: 1, item: 'tea', day: '2026-01-31' })
})
console.log(await postgres.em.fork().findAll(Order))
await postgres.schema.dropSchema()
await postgres.close()

// MySQL and MariaDB.
const port = Number(process.env.DB_PORT ?? 3306)
const mysql = await MysqlORM.init({
  entities: [Order],
  dbName: login.database,
  user: login.user,
  driverOptions: { connection: mysql2Config({ ...login, port }) },
  pool: { max: 20 },
})
console.log(await mysql.em.getConnection().execute('select current_user()'))
await mysql.close()
