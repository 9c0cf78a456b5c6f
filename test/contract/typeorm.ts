import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { DataSource } from 'typeorm'
import type { Adapter, Database } from './adapter'

export const typeormPg: Adapter = {
  engine: 'postgres',
  open: (options, max) =>
    database(new DataSource({ type: 'postgres', extra: { ...pgConfig(options), max }, logging: false })),
}

export const typeormMysql2: Adapter = {
  engine: 'mysql',
  open: (options, max) =>
    database(new DataSource({ type: 'mysql', extra: { ...mysql2Config(options), connectionLimit: max } })),
}

function database(source: DataSource): Database {
  const ready = initialized(source)
  return {
    sql: async (sql) => (await ready()).query(sql),
    transaction: async (work) => (await ready()).transaction((manager) => work((sql) => manager.query(sql))),
    close: async () => void (source.isInitialized && (await source.destroy())),
  }
}

/** Returns a function that initializes a data source at its first call, and again after a failure. */
export function initialized(source: DataSource): () => Promise<DataSource> {
  let starting: Promise<DataSource> | undefined
  return () =>
    (starting ??= source.initialize().catch((error: unknown) => {
      starting = undefined
      throw error
    }))
}
