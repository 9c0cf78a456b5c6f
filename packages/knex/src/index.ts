import type { Knex } from 'knex'
import type { CheckedOptions } from '@rds-iam/core'
import { mysql2Config, type Mysql2Options } from '@rds-iam/core/mysql2'
import { pgConfig, type PgLogin, type PgOptions } from '@rds-iam/core/pg'

/**
 * Creates the `connection` function for knex with the client `pg`. Takes the connection options without the password,
 * plus `iam`. Each new connection of the pool logs in with a valid token. With `maxLifetimeSeconds`, which has a default
 * for Aurora DSQL, knex replaces an older connection before it uses it again.
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
  return provider(withLifetime(pgConfig(options as PgOptions)))
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

/**
 * Limits the lifetime of connections. knex has such an option since 3.3, but only for the pool, which `connection`
 * cannot set. This uses an internal of knex (tested: 3.1 to 3.3): before knex uses a connection again, it checks the
 * property `__knex__disposed`. If it is set, knex replaces the connection, and logs the value as a warning.
 */
function withLifetime<T extends PgLogin>(config: T & { maxLifetimeSeconds?: unknown }): T {
  const lifetimeMs = Number(config.maxLifetimeSeconds ?? 0) * 1_000
  if (!(lifetimeMs > 0)) return config
  // pg calls `password` once for each connection, as a method of its Client. A Proxy keeps the function's properties.
  const password = new Proxy(config.password, {
    apply(target, client: object, args: []) {
      // Vary the time, so that connections that were opened together are not replaced together.
      const endMs = Date.now() + lifetimeMs * (1 - Math.random() / 10)
      let disposed: unknown
      Object.defineProperty(client, '__knex__disposed', {
        get: () => disposed ?? (Date.now() < endMs ? undefined : 'older than maxLifetimeSeconds'),
        set(reason) {
          disposed = reason
        },
      })
      return Reflect.apply(target, client, args)
    },
  })
  return { ...config, password }
}

// knex calls this function once and keeps the result, whose own functions create the tokens. knex deletes a key of the
// result, so return a copy.
function provider(config: object): Knex.AsyncConnectionConfigProvider {
  return () => Promise.resolve({ ...config } as Knex.StaticConnectionConfig)
}
