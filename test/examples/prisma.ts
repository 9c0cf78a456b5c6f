import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { pgConfig } from '@rds-iam/core/pg'
import { PrismaClient as MysqlClient } from './prisma/mysql/client'
import { PrismaClient } from './prisma/postgres/client'

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }

// PostgreSQL: the adapter makes a pool of pg with these options.
const postgres = new PrismaClient({ adapter: new PrismaPg({ ...pgConfig(login), max: 20 }) })
await postgres.$executeRaw`create table if not exists orders (id serial primary key, item text not null)`
await postgres.$transaction(async (tx) => {
  await tx.order.create({ data: { item: 'tea' } })
  await tx.order.create({ data: { item: 'milk' } })
})
console.log(await postgres.order.findMany({ orderBy: { id: 'asc' } }))
await postgres.$executeRaw`drop table orders`
await postgres.$disconnect()

// MySQL and MariaDB: the adapter makes a pool of the mariadb driver, which opens connections before they are needed.
const port = Number(process.env.DB_PORT ?? 3306)
const config = { ...mariadbConfig({ ...login, port }), connectionLimit: 20, minimumIdle: 2 }
const mysql = new MysqlClient({ adapter: new PrismaMariaDb(config) })
console.log(await mysql.$queryRaw`select current_user()`)
await mysql.$disconnect()
