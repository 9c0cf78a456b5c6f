import type { LoginOptions } from '../login/options'
import { tunnelHosts, type Tunnel } from '../login/tunnel'
import type { MysqlClient } from './programs'

/** What the clients of both engines need beside the options. */
export interface EnvironmentParts {
  token: string
  caFile: string
}

/** The environment for psql, pg_dump and other libpq programs. */
export function postgresEnvironment(
  options: LoginOptions,
  parts: EnvironmentParts & { tunnel: Tunnel | undefined },
): Record<string, string> {
  const { dial, user, database } = options
  const { token, caFile, tunnel } = parts
  return {
    PGHOST: tunnel ? tunnelHosts(tunnel).join(',') : dial.host,
    ...(tunnel ? { PGHOSTADDR: tunnel.addresses.join(',') } : {}),
    PGPORT: String(dial.port),
    PGUSER: user,
    ...(database === undefined ? {} : { PGDATABASE: database }),
    PGPASSWORD: token,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caFile,
    // With a Kerberos ticket, libpq asks for GSS encryption before TLS.
    PGGSSENCMODE: 'disable',
  }
}

// The clients read lines of up to this many bytes, and split a longer one.
const LONGEST_LINE = 4_000

/**
 * The `my.cnf` for a client of MySQL or MariaDB: each has its own options to verify the server. The settings in
 * `ownFile` apply too, except for the login.
 *
 * @throws {Error} if a value is too long for such a file.
 */
export function mysqlDefaults(
  { dial, user, database }: LoginOptions,
  { token, caFile }: EnvironmentParts,
  client: MysqlClient,
  ownFile?: string,
): string {
  const settings: [string, string | undefined][] = [
    ['protocol', 'tcp'],
    ['host', dial.host],
    ['port', String(dial.port)],
    ['user', user],
    ['password', token],
    ['ssl-ca', caFile],
  ]
  const verification =
    client === 'mysql' ? ['ssl-mode=VERIFY_IDENTITY', 'enable-cleartext-plugin'] : ['ssl-verify-server-cert']
  const lines = settings.map(([name, value]) => `${name}=${quoted(name, value ?? '')}`)
  // Not in [client]: dump programs do not know the option `database`.
  const chosen = database === undefined ? [] : ['[mysql]', `database=${quoted('database', database)}`]
  const before = ownFile === undefined ? [] : [`!include ${ownFile}`]
  return [...before, '[client]', ...lines, ...verification, ...chosen, ''].join('\n')
}

function quoted(name: string, value: string): string {
  const text = `"${value.replace(/["\\]/g, String.raw`\$&`)}"`
  if (text.length + name.length < LONGEST_LINE) return text
  throw new Error(
    `${name}: longer than the ${LONGEST_LINE} bytes that MySQL clients read: use fewer session tags`,
  )
}
