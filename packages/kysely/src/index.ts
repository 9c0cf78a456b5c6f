// Kysely 0.29 is ESM only. From a CommonJS declaration, only TypeScript's newest module settings resolve its types.
import type { MysqlDialectConfig, MysqlPool, PostgresDialectConfig, PostgresPool } from 'kysely' with {
  'resolution-mode': 'import',
}
import type { CheckedOptions } from '@rds-iam/core'
import { mysql2Config, type Mysql2Options } from '@rds-iam/core/mysql2'
import { pgConfig, type PgOptions } from '@rds-iam/core/pg'

/**
 * Creates the configuration of kysely's PostgresDialect. Takes pg's pool options without the password, plus `iam`.
 * The first query creates the pool, and `db.destroy()` ends it.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously
 * @example
 * ```ts
 * new Kysely<DB>({ dialect: new PostgresDialect(postgresDialectConfig({ host, user, database, max: 20 })) })
 * ```
 */
export function postgresDialectConfig<T extends PgOptions>(
  options: T & CheckedOptions<T>,
): PostgresDialectConfig {
  const config = pgConfig(options as PgOptions)
  return {
    pool: async () => {
      const { Pool } = await loadPg()
      return new Pool(config)
    },
  }
}

/**
 * Creates the configuration of kysely's MysqlDialect. Takes mysql2's pool options without the password, plus `iam`.
 * The first query creates the pool, and `db.destroy()` ends it.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously
 * @example
 * ```ts
 * new Kysely<DB>({ dialect: new MysqlDialect(mysqlDialectConfig({ host, user, database, connectionLimit: 20 })) })
 * ```
 */
export function mysqlDialectConfig<T extends Mysql2Options>(
  options: T & CheckedOptions<T>,
): MysqlDialectConfig {
  const config = mysql2Config(options as Mysql2Options)
  let driver: Mysql2 | undefined
  return {
    pool: async () => {
      driver = await loadMysql2()
      // Use the callback pool: kysely hangs with the pool of mysql2/promise.
      return driver.createPool(config)
    },
    // To cancel a query that runs on a connection of the pool, kysely opens a separate connection.
    controlConnection: () => (driver as Mysql2).createConnection(config),
  }
}

/** The members of the drivers that we use. Not their own types: an application may have only one driver. */
interface Pg {
  Pool: new (config: object) => PostgresPool
}
interface Mysql2 {
  createPool(config: object): MysqlPool
  createConnection(config: object): ReturnType<NonNullable<MysqlDialectConfig['controlConnection']>>
}

// Keep each require inside a try block: bundlers then accept that the driver may be missing. The functions are async
// because the build for bundlers replaces require() by import().
async function loadPg(): Promise<Pg> {
  try {
    return require('pg') as Pg
  } catch (error) {
    throw missing('pg', error)
  }
}

async function loadMysql2(): Promise<Mysql2> {
  try {
    return require('mysql2') as Mysql2
  } catch (error) {
    throw missing('mysql2', error)
  }
}

function missing(driver: string, error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException
  if (!['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(code)) return error
  return new Error(`@rds-iam/kysely needs the driver ${driver}: npm install ${driver}`, { cause: error })
}
