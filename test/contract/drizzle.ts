import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import type { Adapter } from './adapter'

export const drizzlePg: Adapter = {
  engine: 'postgres',
  open(options, max) {
    const db = drizzle({ connection: { ...pgConfig(options), max } })
    return {
      sql: async (text) => (await db.execute(sql.raw(text))).rows,
      transaction: (work) =>
        db.transaction((tx) => work(async (text) => (await tx.execute(sql.raw(text))).rows)),
      close: () => db.$client.end(),
    }
  },
  driverError: ({ cause }) => cause,
}

export const drizzleMysql2: Adapter = {
  engine: 'mysql',
  open(options, max) {
    const db = drizzleMysql({ connection: { ...mysql2Config(options), connectionLimit: max } })
    const rows = (result: unknown) => (result as [Record<string, unknown>[]])[0]
    return {
      sql: async (text) => rows(await db.execute(sql.raw(text))),
      transaction: (work) =>
        db.transaction((tx) => work(async (text) => rows(await tx.execute(sql.raw(text))))),
      close: () => db.$client.promise().end(),
    }
  },
  driverError: ({ cause }) => cause,
}
