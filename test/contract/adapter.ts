import type { IamOptions } from '@rds-iam/core'

/** The options that every adapter takes: the driver's own, minus the password, plus `iam`. */
export interface LoginOptions {
  host: string
  port: number
  user: string
  database: string
  ssl?: object
  iam?: IamOptions
}

/** Runs SQL and gives its rows. */
export type RunSql = (sql: string) => Promise<Record<string, unknown>[]>

/** An application's database handle, as one library gives it. */
export interface Database {
  sql: RunSql
  /** Runs `work` on one connection, in a transaction that a rejection rolls back. */
  transaction<T>(work: (sql: RunSql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** How one library opens a database by IAM; `max` is the size of its pool. */
export interface Adapter {
  engine: 'postgres' | 'mysql'
  open(options: LoginOptions, max: number): Database
  /** The driver's error behind one of the library's own. Default: the driver's is what the library rejects with. */
  driverError?(error: Error): unknown
}
