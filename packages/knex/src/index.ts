import type { Knex } from 'knex'
import type { CheckedOptions } from '@rds-iam/core'
import { mysql2Config, type Mysql2Options } from '@rds-iam/core/mysql2'
import { pgConfig, type PgOptions } from '@rds-iam/core/pg'

/**
 * Creates the `connection` function for knex with the client `pg`. Takes the connection options without the password,
 * plus `iam`. Each new connection of the pool logs in with a valid token.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously
 * @example
 * ```ts
 * knex({ client: 'pg', connection: pgConnection({ host, user, database }) })
 * ```
 */
export function pgConnection<T extends PgOptions>(
  options: T & CheckedOptions<T>,
): Knex.AsyncConnectionConfigProvider {
  return provider(pgConfig(options as PgOptions))
}

/**
 * Creates the `connection` function for knex with the client `mysql2`. Takes the connection options without the
 * password, plus `iam`. Each new connection of the pool logs in with a valid token.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously
 * @example
 * ```ts
 * knex({ client: 'mysql2', connection: mysql2Connection({ host, user, database }) })
 * ```
 */
export function mysql2Connection<T extends Mysql2Options>(
  options: T & CheckedOptions<T>,
): Knex.AsyncConnectionConfigProvider {
  return provider(mysql2Config(options as Mysql2Options))
}

// knex calls this function once and keeps the result, whose own functions create the tokens. knex deletes a key of the
// result, so return a copy.
function provider(config: object): Knex.AsyncConnectionConfigProvider {
  return () => Promise.resolve({ ...config } as Knex.StaticConnectionConfig)
}
