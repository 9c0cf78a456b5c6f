import { promises as dns } from 'node:dns'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { isLoopback } from '@rds-iam/core/internal'
import type { Values } from '../commands'
import { connectionUrl } from '../login/connection-url'
import { readLoginOptions, requireEndpoint, type LoginOptions } from '../login/options'
import { makeToken } from '../login/token'
import { trustedPem } from '../login/trust'
import { UsageError } from '../usage-error'
import { mysqlDefaults, postgresEnvironment, type EnvironmentParts } from './environment'
import { choosesDefaults, mysqlClientOf, type MysqlClient } from './mysql-client'
import { createPrivateDirectory, type PrivateDirectory } from './private-directory'
import { runChild } from './run-child'

// What would come before our login, or beside it.
const REPLACED = [
  'PGSERVICE',
  'PGPASSFILE',
  'PGREQUIRESSL',
  'PGHOSTADDR',
  'MYSQL_PWD',
  'MYSQL_HOST',
  'MYSQL_TCP_PORT',
]

const LONGEST_VARIABLE = 128 * 1_024 - 'DATABASE_URL='.length

/** Runs `rds-iam exec`. */
export async function runExec(values: Values, [command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined) throw new UsageError('give a command after --')
  const options = readLoginOptions(values)
  const endpoint = requireEndpoint(options)
  const isTunnel = endpoint.host !== options.dial.host
  if (isTunnel && options.engine === 'mysql') {
    throw new UsageError(
      `--endpoint: the mysql clients verify the name that they dial: let ${endpoint.host} lead to the tunnel ` +
        `(/etc/hosts), and give it as --host`,
    )
  }
  const { value: token } = await makeToken(options)
  const trust = await trustedPem(options)
  const tunnel = isTunnel ? { host: endpoint.host, address: await addressOf(options.dial.host) } : undefined
  const directory = createPrivateDirectory()
  try {
    const caFile = directory.write('ca.pem', trust)
    const parts = { token, trust, caFile, tunnel }
    const { env, before } = prepare(options, parts, directory, [command, ...args])
    const { status, signal } = await runChild(command, [...before, ...args], { ...inherited(), ...env })
    directory.remove()
    // Ends as the command did, so that whoever started us sees it.
    if (signal) process.kill(process.pid, signal)
    return status
  } finally {
    directory.remove()
  }
}

/** What a command gets. */
interface Preparation {
  env: Record<string, string>
  /** Arguments that come before its own; none is a secret. */
  before: string[]
}

function prepare(
  options: LoginOptions,
  parts: EnvironmentParts,
  directory: PrivateDirectory,
  [command = '', ...args]: readonly string[],
): Preparation {
  if (options.engine === 'postgres') return { env: postgresEnvironment(options, parts), before: [] }
  const write = (client: MysqlClient): string =>
    directory.write(`${client}/my.cnf`, mysqlDefaults(options, parts, client))
  const env = {
    MYSQL_HOME: dirname(write('mysql')),
    MARIADB_HOME: dirname(write('mariadb')),
    ...databaseUrl(options, parts),
  }
  const ownFile = join(homedir(), '.my.cnf')
  if (!existsSync(ownFile)) return { env, before: [] }
  // A client reads its user's file last: a host or a password there would take the place of ours.
  const client = mysqlClientOf(command, process.env['PATH'] ?? '')
  if (client && !choosesDefaults(args)) {
    const file = directory.write('my.cnf', mysqlDefaults(options, parts, client, ownFile))
    return { env, before: [`--defaults-file=${file}`] }
  }
  process.stderr.write(`rds-iam: what ${ownFile} says of host, user or password comes before this login\n`)
  return { env, before: [] }
}

/** No variable may be longer than Linux lets one be; then there is none. */
function databaseUrl(options: LoginOptions, parts: EnvironmentParts): { DATABASE_URL?: string } {
  const url = connectionUrl(options, parts)
  if (url.length < LONGEST_VARIABLE) return { DATABASE_URL: url }
  const advice =
    '--ca with the bundle of the region alone (rds-iam certificates --region R) makes it short enough'
  process.stderr.write(`rds-iam: no DATABASE_URL, as it would hold all of ${options.ca?.file}: ${advice}\n`)
  return {}
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !REPLACED.includes(name)))
}

async function addressOf(host: string): Promise<string> {
  return isLoopback(host) && host !== 'localhost' ? host : (await dns.lookup(host)).address
}
