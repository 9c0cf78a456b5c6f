import type { EventEmitter } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { pgConfig } from '@rds-iam/core/pg'
import type { Client } from 'pg'
import type { ClusterObservation, ServerObservation } from '../checks/login'
import { isDsql } from '../../login/options'
import type { DriverOptions, OpenedSession } from './session'

const REQUESTS: readonly (readonly [event: string, asked: string])[] = [
  ['authenticationCleartextPassword', 'cleartext'],
  ['authenticationMD5Password', 'MD5'],
  ['authenticationSASL', 'SCRAM'],
]

/** Logs in with pg. */
export async function logInToPostgres(options: DriverOptions, limitMs: number): Promise<OpenedSession> {
  const { Client } = require('pg') as typeof import('pg')
  const client = new Client({ ...pgConfig(options), connectionTimeoutMillis: limitMs })
  // The server can close the connection at any time: then the running query rejects.
  client.on('error', () => {})
  const connection = connectionOf(client)
  const seen: OpenedSession = {}
  for (const [event, name] of REQUESTS) connection.prependOnceListener(event, () => (seen.asked = name))
  try {
    await client.connect()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { ...seen, error: { code: code ?? 'unknown', message } }
  }
  const session = {
    describe: () => describe(client),
    end: () => client.end(),
    destroy: () => void connection.stream.destroy(),
  }
  return { ...seen, session }
}

async function describe(client: Client): Promise<ServerObservation> {
  // Every Aurora DSQL server accepts writes, and most of PostgreSQL's functions are missing.
  const dsql = isDsql(client.host)
  const { rows } = await client.query<{ version: string; reader: boolean }>(
    `select version() as version, ${dsql ? 'false' : 'pg_is_in_recovery()'} as reader`,
  )
  const [row] = rows
  return {
    version: /^PostgreSQL [\d.]+/.exec(row?.version ?? '')?.[0] ?? 'PostgreSQL',
    isReader: row?.reader === true,
    protocol: connectionOf(client).stream.getProtocol() ?? 'TLS',
    ...(dsql ? {} : await describeCluster(client)),
  }
}

/** Asks Aurora for the instance, and for the cluster's writer. No search_path changes what the names mean. */
const CLUSTER = `
  select pg_catalog.aurora_db_instance_identifier() as instance,
    (select server_id from pg_catalog.aurora_replica_status()
      where session_id operator(pg_catalog.=) 'MASTER_SESSION_ID' limit 1) as writer`
const UNDEFINED_FUNCTION = '42883'

async function describeCluster(client: Client): Promise<ClusterObservation> {
  try {
    const { rows } = await client.query<ClusterObservation>(CLUSTER)
    return rows[0] ?? {}
  } catch (error) {
    if ((error as { code?: string }).code === UNDEFINED_FUNCTION) return {}
    throw error
  }
}

/** pg's connection, which its types do not declare: its events tell how the server asks for the password. */
function connectionOf(client: Client): EventEmitter & { stream: TLSSocket } {
  return (client as unknown as { connection: EventEmitter & { stream: TLSSocket } }).connection
}
