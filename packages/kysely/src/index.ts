// Kysely 0.29 is ESM only, and only TypeScript's newest module settings resolve that from a CommonJS declaration.
import type { MysqlDialectConfig, MysqlPool, PostgresDialectConfig, PostgresPool } from 'kysely' with {
  'resolution-mode': 'import',
}
import { mysql2Config, type Mysql2Options } from '@rds-iam/core/mysql2'
import { pgConfig, type PgOptions } from '@rds-iam/core/pg'

/**
 * Makes the configuration of kysely's PostgresDialect: pg's pool options, minus the password, plus `iam`.
 * The pool is made at the first query, and ended by `db.destroy()`.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once
 * @example
 * ```ts
 * new Kysely<DB>({ dialect: new PostgresDialect(postgresDialectConfig({ host, user, database, max: 20 })) })
 * ```
 */
export function postgresDialectConfig<T extends PgOptions>(options: T): PostgresDialectConfig {
  const config = pgConfig(options)
  return {
    pool: async () => {
      const { Pool } = driver('pg', () => require('pg') as Pg)
      return new Pool(config)
    },
  }
}

/**
 * Makes the configuration of kysely's MysqlDialect: mysql2's pool options, minus the password, plus `iam`.
 * The pool is made at the first query, and ended by `db.destroy()`.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once
 * @example
 * ```ts
 * new Kysely<DB>({ dialect: new MysqlDialect(mysqlDialectConfig({ host, user, database, connectionLimit: 20 })) })
 * ```
 */
export function mysqlDialectConfig<T extends Mysql2Options>(options: T): MysqlDialectConfig {
  const config = mysql2Config(options)
  const mysql2 = () => driver('mysql2', () => require('mysql2') as Mysql2)
  return {
    // The callback pool: kysely hangs on the one of mysql2/promise.
    pool: async () => mysql2().createPool(config),
    // Kysely cancels a query over a connection of its own.
    controlConnection: () => mysql2().createConnection(config),
  }
}

/** What we use of the drivers; an application has one of them, and its types are not ours to require. */
interface Pg {
  Pool: new (config: object) => PostgresPool
}
interface Mysql2 {
  createPool(config: object): MysqlPool
  createConnection(config: object): ReturnType<NonNullable<MysqlDialectConfig['controlConnection']>>
}

function driver<T>(name: string, load: () => T): T {
  try {
    return load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new Error(`@rds-iam/kysely needs the driver ${name}: npm install ${name}`, { cause: error })
  }
}
