import type { LoginOptions } from '../login/options'
import type { MysqlClient } from './programs'

/** The address and password of a client: the endpoint and a token, or the relay and its password. */
export interface ClientLogin {
  host: string
  port: number
  password: string
  /** The file with the CA certificates. Default: none, and the client uses no TLS. */
  caFile?: string
}

/** The environment for psql, pg_dump and other libpq programs. */
export function postgresEnvironment(
  { user, database }: LoginOptions,
  { host, port, password, caFile }: ClientLogin,
): Record<string, string> {
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    ...(database === undefined ? {} : { PGDATABASE: database }),
    PGPASSWORD: password,
    ...(caFile === undefined
      ? { PGSSLMODE: 'disable', PGSSLNEGOTIATION: 'postgres' }
      : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: caFile }),
    // With a Kerberos ticket, libpq asks for GSS encryption before TLS.
    PGGSSENCMODE: 'disable',
  }
}

const VERIFIED: Record<MysqlClient, string[]> = {
  mysql: ['ssl-mode=VERIFY_IDENTITY', 'enable-cleartext-plugin'],
  mariadb: ['ssl-verify-server-cert'],
}
const WITHOUT_TLS: Record<MysqlClient, string[]> = { mysql: ['ssl-mode=DISABLED'], mariadb: ['skip-ssl'] }

// The clients read lines of up to this many bytes, and split a longer one.
const LONGEST_LINE = 4_000

/**
 * The `my.cnf` for a client of MySQL or MariaDB: each has its own options to verify the server. The settings in
 * `ownFile` apply too, except for the login.
 *
 * @throws {Error} if a value is too long for such a file.
 */
export function mysqlDefaults(
  { user, database }: LoginOptions,
  { host, port, password, caFile }: ClientLogin,
  client: MysqlClient,
  ownFile?: string,
): string {
  const settings: [string, string][] = [
    ['protocol', 'tcp'],
    ['host', host],
    ['port', String(port)],
    ['user', user],
    ['password', password],
    ...(caFile === undefined ? [] : [['ssl-ca', caFile] as [string, string]]),
  ]
  const verification = (caFile === undefined ? WITHOUT_TLS : VERIFIED)[client]
  const lines = settings.map(([name, value]) => `${name}=${quoted(name, value)}`)
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
