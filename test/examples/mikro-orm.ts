import { MikroORM as MysqlORM } from '@mikro-orm/mysql'
import { defineEntity, MikroORM } from '@mikro-orm/postgresql'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'

const Order = defineEntity({
  name: 'Order',
  tableName: 'mikro_orders',
  properties: (p) => ({ id: p.integer().primary(), item: p.string() }),
})
const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }

// PostgreSQL: the options in `driverOptions` reach pg, and replace MikroORM's own.
const config = pgConfig(login)
const postgres = await MikroORM.init({
  entities: [Order],
  dbName: login.database,
  user: login.user,
  driverOptions: config,
  // Each connection's token is for its own endpoint.
  replicas: [{ driverOptions: { ...config, host: process.env.DB_REPLICA_HOST ?? config.host } }],
  pool: { max: 20 },
})
await postgres.schema.create()
await postgres.em.fork().transactional(async (em) => {
  em.create(Order, { id: 1, item: 'tea' })
})
console.log(await postgres.em.fork().findAll(Order))
await postgres.schema.drop()
await postgres.close()

// MySQL and MariaDB.
const port = Number(process.env.DB_PORT ?? 3306)
const mysql = await MysqlORM.init({
  entities: [Order],
  dbName: login.database,
  user: login.user,
  driverOptions: mysql2Config({ ...login, port }),
  pool: { max: 20 },
})
console.log(await mysql.em.getConnection().execute('select current_user()'))
await mysql.close()
