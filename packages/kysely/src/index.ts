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
      const { Pool } = loadPg()
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
  return {
    // The callback pool: kysely hangs on the one of mysql2/promise.
    pool: async () => loadMysql2().createPool(config),
    // Kysely cancels a query over a connection of its own.
    controlConnection: () => loadMysql2().createConnection(config),
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

// Each require stands inside its try: bundlers then let the driver that an application lacks be missing.
function loadPg(): Pg {
  try {
    return require('pg') as Pg
  } catch (error) {
    throw missing('pg', error)
  }
}

function loadMysql2(): Mysql2 {
  try {
    return require('mysql2') as Mysql2
  } catch (error) {
    throw missing('mysql2', error)
  }
}

function missing(driver: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') return error
  return new Error(`@rds-iam/kysely needs the driver ${driver}: npm install ${driver}`, { cause: error })
}
