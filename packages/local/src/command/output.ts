import type { LoginEvent } from '../audit'
import { DSQL_ADMIN } from '../defaults'
import type { LocalRds } from '../local-rds'
import { parseEndpointName } from '../endpoint-name'
import type { Format } from './arguments'

const ENGINES = { postgres: 'PostgreSQL', mysql: 'MySQL', dsql: 'DSQL' }

/** The output of the command once the endpoint is ready, with a final line feed. */
export function readiness(rds: LocalRds, caFile: string, format: Format): string {
  if (format === 'json') return `${jsonReadiness(rds, caFile)}\n`
  if (format === 'shell') return `${shellReadiness(rds, caFile)}\n`
  return textReadiness(rds, caFile)
}

function jsonReadiness(rds: LocalRds, caFile: string): string {
  const { engine, host, port, user, database, region, env, control } = rds
  return JSON.stringify({ engine, host, port, caFile, user, database, region, env, control })
}

/** One line, so that a shell's `read` reads all of it. */
function shellReadiness(rds: LocalRds, caFile: string): string {
  const { control } = rds
  const variables = {
    ...clientVariables(rds, caFile),
    NODE_EXTRA_CA_CERTS: caFile,
    ...rds.env,
    ...(control === undefined
      ? {}
      : { RDS_IAM_LOCAL_CONTROL_URL: control.url, RDS_IAM_LOCAL_CONTROL_TOKEN: control.token }),
  }
  // The shell's real credentials must not mix with these; a profile would even take precedence.
  const stale = ['AWS_PROFILE', 'AWS_SESSION_TOKEN'].filter((name) => !Object.hasOwn(variables, name))
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${shellWord(value)}`)
  return `unset ${stale.join(' ')}; export ${assignments.join(' ')}`
}

/** Variables that the engine's own clients read; for MySQL, whose clients read few, the usual names. */
function clientVariables(rds: LocalRds, caFile: string): Record<string, string> {
  const { engine, port, user, database } = rds
  const { name, address } = target(rds)
  if (engine !== 'mysql')
    return {
      PGHOST: name,
      // libpq connects to the address, and verifies the name.
      ...(address === undefined ? {} : { PGHOSTADDR: address }),
      PGPORT: String(port),
      PGUSER: user,
      PGDATABASE: database,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: caFile,
    }
  return {
    // For localhost MySQL's own clients use a Unix-domain socket instead of TCP.
    MYSQL_HOST: name === 'localhost' && isNamed(rds, '127.0.0.1') ? '127.0.0.1' : name,
    MYSQL_TCP_PORT: String(port),
    MYSQL_USER: user,
    MYSQL_DATABASE: database,
    MYSQL_SSL_CA: caFile,
  }
}

function textReadiness(rds: LocalRds, caFile: string): string {
  const { engine, host, port, user, database, region, env, control, configuration } = rds
  const table = Object.entries({
    host,
    port,
    'CA file': caFile,
    user,
    database,
    region,
    endpoints: configuration.endpoints.join(', '),
    ...(control === undefined ? {} : { control: `${control.url}, bearer token ${control.token}` }),
  }).map(([name, value]) => `  ${name.padEnd(9)}  ${value}`)
  return `${[
    `A ${ENGINES[engine]} endpoint that verifies IAM tokens is ready; Ctrl-C stops it.`,
    '',
    ...table,
    '',
    ...Object.entries({ ...env, NODE_EXTRA_CA_CERTS: caFile }).map(
      ([name, value]) => `  export ${name}=${shellWord(value)}`,
    ),
    '',
    'With these variables, for example:',
    '',
    `  ${example(rds, caFile)}`,
    '',
  ].join('\n')}\n`
}

function example(rds: LocalRds, caFile: string): string {
  const { engine, port, user, database, region } = rds
  const { name, address } = target(rds)
  const token =
    engine === 'dsql'
      ? `"$(aws dsql ${dsqlCommand(user)} --hostname ${name} --region ${region})"`
      : `"$(aws rds generate-db-auth-token --hostname ${name} --port ${port} ` +
        `--username ${shellWord(user)} --region ${region})"`
  if (engine !== 'mysql') {
    const hostaddr = address === undefined ? '' : `hostaddr=${address} `
    const settings = `host=${name} ${hostaddr}port=${port} user=${conninfo(user)} dbname=${conninfo(database)}`
    return `PGPASSWORD=${token} psql ${shellWord(`${settings} sslmode=verify-full sslrootcert=${conninfo(caFile)}`)}`
  }
  const flags = `--host=${name} --port=${port} --protocol=tcp --user=${shellWord(user)}`
  const trust = `--ssl-ca=${shellWord(caFile)} --ssl-verify-server-cert`
  // MySQL's client sends cleartext passwords only with this variable; MariaDB's always does.
  return `LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 MYSQL_PWD=${token} mariadb ${flags} ${trust} ${shellWord(database)}`
}

function dsqlCommand(user: string): string {
  return user === DSQL_ADMIN ? 'generate-db-connect-admin-auth-token' : 'generate-db-connect-auth-token'
}

interface Target {
  /** Name that the certificate covers and that tokens are signed for. */
  name: string
  /** Address to connect to, if the name may resolve to another one. */
  address?: string
}

/** The name and address that a client on this machine connects to. */
function target(rds: LocalRds): Target {
  const { host, configuration } = rds
  if (isNamed(rds, host)) return { name: host }
  const [first = host] = configuration.endpoints
  return { name: parseEndpointName(first).host, address: host === 'localhost' ? '127.0.0.1' : host }
}

function isNamed({ configuration }: LocalRds, host: string): boolean {
  return configuration.endpoints.some((endpoint) => parseEndpointName(endpoint).host === host)
}

/** A value in a libpq connection string. */
function conninfo(value: string): string {
  if (/^[\w./@-]+$/.test(value)) return value
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** A text as one word of a POSIX shell, quoted if necessary. */
function shellWord(text: string): string {
  if (/^[\w./:@%+=,-]+$/.test(text)) return text
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** A login as a line of the command's output. */
export function loginLine(login: LoginEvent, format: Format): string {
  if (format === 'json') return `${JSON.stringify(login)}\n`
  const { time, user, accessKeyId = '-', verdict, reason, detail } = login
  const parts = [time.toISOString(), user, accessKeyId, verdict, reason, detail && `(${detail})`]
  return `${parts
    .filter((part) => part !== undefined)
    .map(printable)
    .join(' ')}\n`
}

/** Escapes control characters and line breaks: clients choose some of these texts. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}
