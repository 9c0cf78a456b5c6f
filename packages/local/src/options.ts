import type { BackendLogin } from './backend'
import type { Engine } from './defaults'
import type { ConflictCode } from './dsql/statements'
import type { TestIdentity } from './iam/identity'

/** What logins are decided by. It may change while the endpoint runs. */
export interface LocalRdsConfiguration {
  /** Identities that exist. Default: one with a random key, which may log in as any user. */
  identities: readonly TestIdentity[]
  /** Region that tokens must be signed for. Default `'us-east-1'`. */
  region: string
  /**
   * Names that tokens may be signed for and that the certificate covers, `host` or `host:port`. A name without a port
   * stands for the listening port and for the engine's default port. Default `['localhost', '127.0.0.1']`; given names
   * replace it.
   */
  endpoints: readonly string[]
  /** Database users that exist. Default `['jane_doe']`. */
  users: readonly string[]
  /**
   * Milliseconds to add to the clock that tokens and identities are checked against; negative is back. Default 0.
   * With 901,000 a fresh token has expired.
   */
  clockOffsetMs: number
  /**
   * Logins that are allowed within a second. One more is refused like any other login, and the audit trail says
   * `THROTTLED`. 0 refuses all. Default `Infinity`. AWS advises fewer than 200 a second.
   */
  maxConnectionsPerSecond: number
  /**
   * Engine `dsql`: maximum duration of a session, in seconds. The session is then closed without a message; if a
   * transaction is running, after it ends. Applies to sessions that begin later. Default 3600, as on Aurora DSQL.
   */
  maxSessionSeconds?: number | undefined
  /**
   * Engine `dsql`: number of transactions that will fail with a conflict, SQLSTATE 40001. Each transaction that changes
   * rows or the schema fails when it commits and reduces the number by one, until it is 0. Default 0.
   */
  conflicts?: number | undefined
  /**
   * Engine `dsql`: code in the message of these conflicts. `'OC000'`: another transaction changed the same rows.
   * `'OC001'`: another transaction changed the schema. Default `'OC000'`.
   */
  conflictCode?: ConflictCode | undefined
}

/** Options of an endpoint. Those of {@link LocalRdsConfiguration} may change later. */
export interface LocalRdsOptions extends Partial<LocalRdsConfiguration> {
  /** Database engine. Default `'postgres'`. */
  engine?: Engine
  /**
   * URL of the database behind the endpoint, `postgresql://user:password@host:port/database` or `mysql://…`.
   * With `?ssl-ca=FILE` the endpoint connects to it over TLS and trusts the certificates in the file; with
   * `?socket=FILE` it connects to that Unix-domain socket, which is faster.
   * Default: an embedded PostgreSQL, or the machine's own MariaDB or MySQL, started for this endpoint alone.
   */
  backend?: string
  /**
   * User and password at `backend` for a database user of the endpoint, by that user's name.
   * Default: the user of the URL. Without `backend` each user logs in as itself.
   */
  backendUsers?: Readonly<Record<string, BackendLogin>>
  /** TCP port. Default 0: a free one. */
  port?: number
  /**
   * IP address to listen on, such as `'0.0.0.0'`. Everyone who reaches it and knows the test credentials has the
   * database: for closed networks only. Default: 127.0.0.1 and ::1.
   */
  host?: string
  /** Whether tokens without `/` before `?` are refused, as by some Aurora clusters. Default false. */
  requireSlash?: boolean
  /**
   * Whether TLS is offered, and then required. Default true. With false the server offers no TLS and still asks for
   * the token, to test that a client does not send it.
   */
  tls?: boolean
  /**
   * Whether to serve the audit trail and the configuration over HTTP on 127.0.0.1, to everyone who has the token.
   * Default false. `true` takes a free port.
   */
  control?: boolean | { port?: number }
  /** Cancels the start when it is aborted; what was started by then is stopped. It has no effect later. */
  signal?: AbortSignal
}
