// Prisma Client with its driver adapter for the given engine: logs in with only DATABASE_URL, and prints a query's result.
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient as MysqlClient } from '../../examples/prisma/mysql/client'
import { PrismaClient } from '../../examples/prisma/postgres/client'

const url = process.env['DATABASE_URL'] ?? ''
const prisma =
  process.argv[2] === 'mysql'
    ? new MysqlClient({ adapter: new PrismaMariaDb(url) })
    : new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
const [row] = await prisma.$queryRawUnsafe<{ answer: number }[]>('select 40 + 2 as answer')
console.log(Number(row?.answer))
await prisma.$disconnect()
