import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Values } from '../commands'
import { connectionUrl } from '../login/connection-url'
import { readLoginOptions, type LoginOptions } from '../login/options'
import { makeToken } from '../login/token'
import { trustedPem } from '../login/trust'
import { noTunnel, tunnelOf } from '../login/tunnel'
import { UsageError } from '../usage-error'
import { mysqlDefaults, postgresEnvironment, type EnvironmentParts } from './environment'
import { choosesDefaults, isNodeProgram, mysqlClientOf, type MysqlClient } from './programs'
import { createPrivateDirectory, type PrivateDirectory } from './private-directory'
import { runChild } from './run-child'

// What would come before our login or beside it, or keep a client from verifying the server.
const REPLACED = [
  'PGSERVICE',
  'PGPASSFILE',
  'PGREQUIREAUTH',
  'PGREQUIRESSL',
  'PGCHANNELBINDING',
  'PGHOSTADDR',
  'MYSQL_PWD',
  'MYSQL_HOST',
  'MYSQL_TCP_PORT',
  'NODE_TLS_REJECT_UNAUTHORIZED',
]

/** Runs `rds-iam exec`. */
export async function runExec(values: Values, [command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined) throw new UsageError('give a command after --')
  const options = readLoginOptions(values)
  const tunnel = await tunnelOf(options)
  if (tunnel && isNodeProgram(command, process.env['PATH'] ?? ''))
    throw noTunnel(tunnel.host, `${command} runs on Node, where drivers verify the name that they dial`)
  const { value: token } = await makeToken(options)
  const trust = await trustedPem(options)
  const directory = createPrivateDirectory()
  try {
    const caFile = directory.write('ca.pem', trust)
    const forNode = {
      DATABASE_URL: connectionUrl(options, { token, tunnel }),
      // The URL names no file: postgres.js takes none.
      NODE_EXTRA_CA_CERTS: directory.write('node-ca.pem', nodeCas(options, trust)),
    }
    const { env, before } =
      options.engine === 'postgres'
        ? { env: postgresEnvironment(options, { token, caFile, tunnel }), before: [] }
        : prepareMysql(options, { token, caFile }, directory, [command, ...args])
    const all = { ...inherited(), ...forNode, ...env }
    const { status, signal } = await runChild(command, [...before, ...args], all)
    directory.remove()
    // Ends as the command did, for the program that started us to see.
    if (signal) process.kill(process.pid, signal)
    return status
  } finally {
    directory.remove()
  }
}

/** What the command gets. */
interface Preparation {
  env: Record<string, string>
  /** Arguments that come before its own; none is a secret. */
  before: string[]
}

function prepareMysql(
  options: LoginOptions,
  parts: EnvironmentParts,
  directory: PrivateDirectory,
  [command = '', ...args]: readonly string[],
): Preparation {
  const write = (client: MysqlClient): string =>
    directory.write(`${client}/my.cnf`, mysqlDefaults(options, parts, client))
  const env = {
    MYSQL_HOME: dirname(write('mysql')),
    MARIADB_HOME: dirname(write('mariadb')),
    // The clients read this file last, by default ~/.mylogin.cnf; there is none here.
    MYSQL_TEST_LOGIN_FILE: directory.path('mylogin.cnf'),
  }
  const ownFile = join(homedir(), '.my.cnf')
  if (!existsSync(ownFile)) return { env, before: [] }
  // A client reads its user's file after that of MYSQL_HOME: a host or a password there would take the place of ours.
  const client = mysqlClientOf(command, process.env['PATH'] ?? '')
  if (client && !choosesDefaults(args)) {
    const file = directory.write('my.cnf', mysqlDefaults(options, parts, client, ownFile))
    return { env, before: [`--defaults-file=${file}`] }
  }
  process.stderr.write(`rds-iam: what ${ownFile} says of host, user or password comes before this login\n`)
  return { env, before: [] }
}

/** The CA certificates for programs on Node: those of this login, and those of the variable that is replaced. */
function nodeCas({ ca }: LoginOptions, trust: string): string {
  const file = process.env['NODE_EXTRA_CA_CERTS']
  // Without --ca the login trusts them already.
  if (!ca || !file) return trust
  try {
    return `${trust}\n${readFileSync(file, 'utf8')}`
  } catch {
    // Node, too, goes on without a file that cannot be read.
    return trust
  }
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !REPLACED.includes(name)))
}
