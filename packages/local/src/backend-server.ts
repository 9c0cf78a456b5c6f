import { parseBackendUrl, type Backend } from './backend'
import type { RewriteStatement } from './login'
import type { ResolvedOptions } from './resolve-options'
import { startMysql } from './servers/mysql-server'
import { startDsqlServer, startPostgres } from './servers/postgres-server'

const SERVERS = { postgres: startPostgres, mysql: startMysql, dsql: startDsqlServer }

/** The database behind an endpoint. */
export interface BackendServer {
  /** Where it is; read at each login. */
  readonly backend: Backend
  /** Rewrites the statements of MySQL sessions. Default: none is rewritten. */
  readonly rewrite?: RewriteStatement | undefined
  addUsers(users: readonly string[]): Promise<void>
  stop(): Promise<void>
}

/** Starts the database, unless there is one at the URL that was given. */
export async function startBackendServer({
  engine,
  backend: given,
  backendUsers,
  configuration,
  signal,
}: ResolvedOptions): Promise<BackendServer> {
  if (given !== undefined)
    return {
      backend: parseBackendUrl(engine, given, backendUsers),
      addUsers: () => Promise.resolve(), // sessions run as the URL's user
      stop: () => Promise.resolve(),
    }
  const { url, socketPath, logins, addUsers, stop } = await SERVERS[engine]({
    users: configuration.users,
    ...(signal === undefined ? {} : { signal }),
  })
  const backend = {
    ...parseBackendUrl(engine, url, logins),
    ...(socketPath === undefined ? {} : { socketPath }),
    countsDroppedLogins: false,
  }
  return { backend, addUsers, stop }
}
