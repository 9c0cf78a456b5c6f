import type { LoginOptions } from '../login/options'
import { tunnelHosts, type Tunnel } from '../login/tunnel'
import type { MysqlClient } from './programs'

/** What the clients of both engines log in with. */
export interface EnvironmentParts {
  token: string
  caFile: string
}

/** The environment with which psql, pg_dump and other programs over libpq log in. */
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
    // With a Kerberos ticket libpq would ask for GSS encryption before TLS.
    PGGSSENCMODE: 'disable',
  }
}

// Each client reads a file by lines of this many bytes; a longer one would be cut in two.
const LONGEST_LINE = 4_000

/**
 * The `my.cnf` with which the clients of MySQL and MariaDB log in. They differ in how they are told to verify
 * the server, so each has a file of its own. What `ownFile` sets is kept where it is no part of the login.
 *
 * @throws {Error} for what cannot stand in such a file.
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
  // Only the interactive clients and the dumps that know it take a database from a file.
  const chosen = database === undefined ? [] : ['[mysql]', `database=${quoted('database', database)}`]
  const before = ownFile === undefined ? [] : [`!include ${ownFile}`]
  return [...before, '[client]', ...lines, ...verification, ...chosen, ''].join('\n')
}

function quoted(name: string, value: string): string {
  const text = `"${value.replace(/["\\]/g, String.raw`\$&`)}"`
  if (text.length + name.length < LONGEST_LINE) return text
  throw new Error(
    `${name}: longer than the ${LONGEST_LINE} bytes that the mysql clients read: shorten the session's tags`,
  )
}
