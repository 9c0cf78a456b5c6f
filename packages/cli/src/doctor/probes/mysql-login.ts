import type { TLSSocket } from 'node:tls'
import { isRdsIamError } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import type { Connection } from 'mysql2/promise'
import type { ClusterObservation, ServerObservation } from '../checks/login'
import type { DriverOptions, OpenedSession } from './session'

interface MysqlError extends Error {
  code?: string
  errno?: number
}

/** Logs in with mysql2. */
export async function logInToMysql(options: DriverOptions, limitMs: number): Promise<OpenedSession> {
  const { createConnection } = require('mysql2/promise') as typeof import('mysql2/promise')
  const config = mysql2Config(options)
  const { mysql_clear_password: clearPassword } = config.authPlugins
  const seen: OpenedSession = {}
  const watchedPlugin = (login: Parameters<typeof clearPassword>[0]) => {
    seen.asked = 'cleartext'
    return clearPassword(login)
  }
  const settings = {
    ...config,
    authPlugins: { mysql_clear_password: watchedPlugin },
    connectTimeout: limitMs,
  } as Parameters<typeof createConnection>[0]
  let connection: Connection
  try {
    connection = await createConnection(settings)
  } catch (error) {
    const { code, errno = 0, message } = driverOrOurs(error as MysqlError)
    // The errors of the network have a negative `errno`.
    return { ...seen, error: { code: String(errno > 0 ? errno : (code ?? 'unknown')), message } }
  }
  // The server can close the connection at any time: then the running query rejects.
  connection.on('error', () => {})
  const session = {
    describe: () => describe(connection),
    end: () => connection.end(),
    destroy: () => connection.destroy(),
  }
  return { ...seen, session }
}

/** mysql2 may overwrite the `code` of an error that rds-iam gave it: ours is its `cause`. */
function driverOrOurs(error: MysqlError): MysqlError {
  return error.errno === undefined && isRdsIamError(error.cause) ? error.cause : error
}

async function describe(connection: Connection): Promise<ServerObservation> {
  const [rows] = await connection.query('select version() as version, @@read_only as readOnly')
  const [row] = rows as { version: string; readOnly: number }[]
  // Aurora's readers set only this variable, which MariaDB does not have.
  const [variables] = await connection.query("show global variables like 'innodb_read_only'")
  const [innodb] = variables as { Value: string }[]
  const name = /mariadb/i.test(row?.version ?? '') ? 'MariaDB' : 'MySQL'
  const { stream } = (connection as unknown as { connection: { stream: TLSSocket } }).connection
  return {
    version: `${name} ${/^[\d.]+/.exec(row?.version ?? '')?.[0] ?? ''}`,
    isReader: Boolean(row?.readOnly) || innodb?.Value === 'ON',
    protocol: stream.getProtocol() ?? 'TLS',
    ...(await describeCluster(connection)),
  }
}

/** Asks Aurora for the instance, and for the cluster's writer. */
const CLUSTER = `
  select @@aurora_server_id as instance,
    (select server_id from information_schema.replica_host_status
      where session_id = 'MASTER_SESSION_ID' limit 1) as writer`
const UNKNOWN_SYSTEM_VARIABLE = 1193

async function describeCluster(connection: Connection): Promise<ClusterObservation> {
  try {
    const [rows] = await connection.query(CLUSTER)
    return (rows as ClusterObservation[])[0] ?? {}
  } catch (error) {
    if ((error as MysqlError).errno === UNKNOWN_SYSTEM_VARIABLE) return {}
    throw error
  }
}
