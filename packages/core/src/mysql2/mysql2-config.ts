import type { CheckedOptions } from '../iam-options'
import { createLogin } from '../login/login-options'
import { createClearPassword, type ClearPasswordPlugin } from './clear-password'
import { readMysql2Options, type Mysql2Options } from './mysql2-options'
import { createSsl, type Mysql2Ssl } from './ssl'
import { createStream } from './stream'

/** The options that {@link mysql2Config} sets. */
export interface Mysql2Login {
  host: string
  port: number
  user: string
  ssl: Mysql2Ssl
  /** Called by mysql2 for each new connection. */
  authPlugins: { mysql_clear_password: ClearPasswordPlugin }
  stream: unknown
}

/** A configuration for mysql2's createPool and createConnection: the caller's options, plus the IAM login. */
export type Mysql2Config<T> = Omit<T, keyof Mysql2Login | 'iam' | 'uri' | 'password'> & Mysql2Login

/**
 * Creates a configuration for mysql2 that logs in by IAM. Takes mysql2's options without the password, plus `iam`. Each
 * new connection gets a token for its host, port and user.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously. Connections reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const pool = createPool(mysql2Config({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function mysql2Config<T extends Mysql2Options>(options: T & CheckedOptions<T>): Mysql2Config<T> {
  const checked = readMysql2Options(options)
  const { rest, addresses, user, iam } = checked
  const login = createLogin(checked)
  const [dialled] = addresses
  const sslByCas = createSsl(login, dialled.host)
  // The caller's own stream chooses what to dial, so `host` of the result is only the name that mysql2 verifies.
  const named = rest['stream'] === undefined ? undefined : iam.endpoint?.host
  return {
    ...rest,
    host: named ?? dialled.host,
    port: dialled.port,
    user,
    ssl: sslByCas.configured,
    authPlugins: {
      ...(rest['authPlugins'] as object),
      mysql_clear_password: createClearPassword(login, named === undefined ? undefined : dialled),
    },
    stream: rest['stream'] ?? createStream(login, sslByCas),
  } as unknown as Mysql2Config<T>
}
