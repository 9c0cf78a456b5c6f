import type { Knex } from 'knex'
import { mysql2Config, type Mysql2Options } from '@rds-iam/core/mysql2'
import { pgConfig, type PgOptions } from '@rds-iam/core/pg'

/**
 * Makes the `connection` function of a knex with the client `pg`: your connection options, minus the
 * password, plus `iam`. Each new connection of the pool logs in with a token of its own time.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once
 * @example
 * ```ts
 * knex({ client: 'pg', connection: pgConnection({ host, user, database }) })
 * ```
 */
export function pgConnection<T extends PgOptions>(options: T): Knex.AsyncConnectionConfigProvider {
  return provider(pgConfig(options))
}

/**
 * Makes the `connection` function of a knex with the client `mysql2`: your connection options, minus the
 * password, plus `iam`. Each new connection of the pool logs in with a token of its own time.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once
 * @example
 * ```ts
 * knex({ client: 'mysql2', connection: mysql2Connection({ host, user, database }) })
 * ```
 */
export function mysql2Connection<T extends Mysql2Options>(options: T): Knex.AsyncConnectionConfigProvider {
  return provider(mysql2Config(options))
}

// knex calls this once and keeps the answer; what is in it makes the tokens. It takes a key out of the
// object, so each call gets its own.
function provider(config: object): Knex.AsyncConnectionConfigProvider {
  return () => Promise.resolve({ ...config } as Knex.StaticConnectionConfig)
}
