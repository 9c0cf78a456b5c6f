import type { EventEmitter } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { pgConfig } from '@rds-iam/core/pg'
import type { LoginObservation } from '../checks/login'
import type { DriverOptions } from './login'

const REQUESTS: readonly (readonly [event: string, asked: string])[] = [
  ['authenticationCleartextPassword', 'cleartext'],
  ['authenticationMD5Password', 'MD5'],
  ['authenticationSASL', 'SCRAM'],
]

/** Logs in with pg. */
export async function logInToPostgres(options: DriverOptions, limitMs: number): Promise<LoginObservation> {
  const { Client } = require('pg') as typeof import('pg')
  const client = new Client({ ...pgConfig(options), connectionTimeoutMillis: limitMs })
  const { connection } = client as unknown as { connection: EventEmitter & { stream: TLSSocket } }
  const seen: LoginObservation = {}
  for (const [event, name] of REQUESTS) connection.prependOnceListener(event, () => (seen.asked = name))
  try {
    await client.connect()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { ...seen, error: { code: code ?? 'unknown', message } }
  }
  try {
    const { rows } = await client.query<{ version: string; reader: boolean }>(
      'select version() as version, pg_is_in_recovery() as reader',
    )
    const [row] = rows
    const version = /^PostgreSQL [\d.]+/.exec(row?.version ?? '')?.[0] ?? 'PostgreSQL'
    const protocol = connection.stream.getProtocol() ?? 'TLS'
    return { ...seen, server: { version, isReader: row?.reader === true, protocol } }
  } catch {
    return seen
  } finally {
    await client.end()
  }
}
