import { parseBackendUrl, type Backend } from './backend'
import { DSQL_ADMIN, DSQL_DATABASE } from './defaults'
import type { RewriteStatement } from './login'
import type { ResolvedOptions } from './resolve-options'
import { MysqlServer } from './servers/mysql-server'
import { PostgresServer } from './servers/postgres-server'

/** The database behind an endpoint. */
export interface BackendServer {
  /** Where it is; read at each login. */
  readonly backend: Backend
  /** Rewrites the statements of MySQL sessions. Default: none is rewritten. */
  readonly rewrite?: RewriteStatement | undefined
  /** Creates the users that do not exist yet. Absent if the endpoint's users need no users in the backend. */
  addUsers?(users: readonly string[]): Promise<void>
  /** Stops a server that was started for the endpoint alone. */
  remove?(): Promise<void>
}

/** Starts the database, unless there is one at the URL that was given. */
export async function startBackendServer(options: ResolvedOptions): Promise<BackendServer> {
  const { engine, backend, backendUsers, signal, configuration } = options
  if (backend !== undefined) return { backend: parseBackendUrl(engine, backend, backendUsers) }
  const { users } = configuration
  if (engine === 'mysql') return new MysqlServer({ users, signal }).create()
  if (engine === 'postgres') return new PostgresServer({ users, signal }).create()
  const all = [...new Set([DSQL_ADMIN, ...users])]
  return new PostgresServer({ users: all, signal, database: DSQL_DATABASE }).create()
}
