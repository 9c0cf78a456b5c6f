import type { IamOptions } from '@rds-iam/core'
import type { Engine } from '@rds-iam/local'

/** The options that every adapter takes: the driver's own, minus the password, plus `iam`. */
export interface LoginOptions {
  host: string
  port: number
  user: string
  database: string
  ssl?: object
  iam?: IamOptions
}

/** Runs SQL and returns its rows. */
export type RunSql = (sql: string) => Promise<Record<string, unknown>[]>

/** One library's database handle. */
export interface Database {
  sql: RunSql
  /** Runs `work` on one connection, in a transaction that is rolled back if `work` rejects. */
  transaction<T>(work: (sql: RunSql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Opens a database with one library and an IAM login. `max` is the size of its pool. */
export interface Adapter {
  engine: Engine
  open(options: LoginOptions, max: number): Database
  /** Finds the driver's error inside the library's error. Default: the library rejects with the driver's error. */
  driverError?(error: Error): unknown
}
