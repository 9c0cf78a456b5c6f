import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { UsageError } from '../errors'
import { connectionUrl, relayUrl } from '../login/connection-url'
import { makeToken, trustedPem } from '../login/credentials'
import { readLoginOptions, type LoginArguments } from '../login/arguments'
import { requireEndpoint, type LoginOptions } from '../login/options'
import { mysqlDefaults, postgresEnvironment, type ClientLogin } from './environment'
import { choosesDefaults, mysqlClientOf, type MysqlClient } from './programs'
import { PrivateDirectory } from './private-directory'
import { Relay } from './relay/relay'
import { runChild } from './run-child'

// Variables that change the login, or that turn off the verification of the server.
const REPLACED = [
  'PGSERVICE',
  'PGPASSFILE',
  'PGREQUIREAUTH',
  'PGREQUIRESSL',
  'PGCHANNELBINDING',
  'PGHOSTADDR',
  'PGSSLROOTCERT',
  'MYSQL_PWD',
  'MYSQL_HOST',
  'MYSQL_TCP_PORT',
  'NODE_TLS_REJECT_UNAUTHORIZED',
]

/** Runs `rds-iam exec`. */
export async function runExec(given: LoginArguments, [command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined) throw new UsageError('give a command after --')
  const options = readLoginOptions(given)
  const directory = new PrivateDirectory()
  let relay: Relay | undefined
  try {
    const isTunnel = requireEndpoint(options).host !== options.dial.host
    // No MySQL URL makes every driver verify the server's certificate.
    if (isTunnel || options.engine === 'mysql') relay = await Relay.open(options)
    const login = relay && isTunnel ? relay.login : await endpointLogin(options, directory)
    const { env, before } =
      options.engine === 'postgres'
        ? { env: postgresEnvironment(options, login), before: [] }
        : prepareMysql(options, login, directory, [command, ...args])
    const byUrl = relay
      ? { DATABASE_URL: relayUrl(options, relay.login) }
      : await endpointUrl(options, login, directory)
    const all = { ...inherited(), ...byUrl, ...env }
    const { status, signal } = await runChild(command, [...before, ...args], all)
    relay?.close()
    directory.remove()
    // End as the command did, so that our caller sees the signal.
    if (signal) process.kill(process.pid, signal)
    return status
  } finally {
    relay?.close()
    directory.remove()
  }
}

async function endpointLogin(options: LoginOptions, directory: PrivateDirectory): Promise<ClientLogin> {
  const { value: password } = await makeToken(options)
  return { ...options.dial, password, caFile: directory.write('ca.pem', await trustedPem(options)) }
}

/** The environment variables that Node programs read to log in to PostgreSQL. */
async function endpointUrl(
  options: LoginOptions,
  { password: token }: ClientLogin,
  directory: PrivateDirectory,
): Promise<Record<string, string>> {
  return {
    DATABASE_URL: connectionUrl(options, { token }),
    // The URL cannot name the CA file, because postgres.js does not know `sslrootcert`.
    NODE_EXTRA_CA_CERTS: directory.write('node-ca.pem', nodeCas(options, await trustedPem(options))),
  }
}

/** What a command is started with. */
interface Preparation {
  env: Record<string, string>
  /** Arguments before its own; they contain no secret. */
  before: string[]
}

function prepareMysql(
  options: LoginOptions,
  login: ClientLogin,
  directory: PrivateDirectory,
  [command = '', ...args]: readonly string[],
): Preparation {
  const write = (client: MysqlClient): string =>
    directory.write(`${client}/my.cnf`, mysqlDefaults(options, login, client))
  const env = {
    MYSQL_HOME: dirname(write('mysql')),
    MARIADB_HOME: dirname(write('mariadb')),
    // MySQL's clients read this file last. It does not exist: it hides ~/.mylogin.cnf.
    MYSQL_TEST_LOGIN_FILE: directory.path('mylogin.cnf'),
  }
  const ownFile = join(homedir(), '.my.cnf')
  if (!existsSync(ownFile)) return { env, before: [] }
  // Clients read ~/.my.cnf after our file, so its host or password would replace ours.
  const client = mysqlClientOf(command, process.env['PATH'] ?? '')
  if (client && !choosesDefaults(args)) {
    const file = directory.write('my.cnf', mysqlDefaults(options, login, client, ownFile))
    return { env, before: [`--defaults-file=${file}`] }
  }
  process.stderr.write(`rds-iam: host, user and password in ${ownFile} replace those of this login\n`)
  return { env, before: [] }
}

/** The CA certificates for Node programs: those of this login, and those that the user gives to Node. */
function nodeCas({ ca }: LoginOptions, trust: string): string {
  const file = process.env['NODE_EXTRA_CA_CERTS']
  // Without --ca, `trust` includes them.
  if (!ca || !file) return trust
  try {
    return `${trust}\n${readFileSync(file, 'utf8')}`
  } catch {
    // Node also continues if it cannot read the file.
    return trust
  }
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !REPLACED.includes(name)))
}
