import type { EventEmitter } from 'node:events'
import { pgConfig } from '@rds-iam/core/pg'
import type { DriverOptions, LoginProbe } from './login'
import { LOGIN_LIMIT_MS } from './limits'

const REQUESTS: readonly (readonly [event: string, asked: string])[] = [
  ['authenticationCleartextPassword', 'cleartext'],
  ['authenticationMD5Password', 'MD5'],
  ['authenticationSASL', 'SCRAM'],
]

/** Logs in with pg. */
export async function logInToPostgres(options: DriverOptions): Promise<LoginProbe> {
  const { Client } = require('pg') as typeof import('pg')
  const client = new Client({ ...pgConfig(options), connectionTimeoutMillis: LOGIN_LIMIT_MS })
  const { connection } = client as unknown as { connection: EventEmitter }
  let asked: string | undefined
  for (const [event, name] of REQUESTS) connection.prependOnceListener(event, () => (asked = name))
  const asking = (): { asked?: string } => (asked === undefined ? {} : { asked })
  try {
    await client.connect()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { observation: { ...asking(), error: { code: code ?? 'unknown', message } } }
  }
  try {
    const { rows } = await client.query<{ version: string; reader: boolean }>(
      'select version() as version, pg_is_in_recovery() as reader',
    )
    const [row] = rows
    const version = /^PostgreSQL [\d.]+/.exec(row?.version ?? '')?.[0] ?? 'PostgreSQL'
    return { observation: asking(), server: { version, isReader: row?.reader === true } }
  } catch {
    return { observation: asking() }
  } finally {
    await client.end()
  }
}
