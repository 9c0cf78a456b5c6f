import { readFileSync } from 'node:fs'
import { isRdsIamError } from '@rds-iam/core'
import { readAddress, DEFAULT_PORTS, type Engine } from '@rds-iam/core/internal'
import { firstLine, UsageError } from '../errors'
import {
  isDsqlLogin,
  parseCertificate,
  readApplicationOptions,
  readEngine,
  readOptions,
  splitPem,
  type ApplicationOptions,
  type LoginOptions,
} from './options'

/** The options of a login, as the command line gives them. */
export interface LoginArguments {
  host?: string
  port?: string
  user?: string
  database?: string
  engine?: Engine
  region?: string
  profile?: string
  endpoint?: string
  ca?: string
  fromUrl?: string
  fromEnv?: true
}

/** Options, and the name of the flag or variable that each of them comes from. */
interface Source {
  name: string
  options: ApplicationOptions
  names: Readonly<Record<string, string>>
  read: (options: ApplicationOptions) => LoginOptions
}

const IAM_NAMES = { 'iam.region': '--region', 'iam.profile': '--profile', 'iam.endpoint': '--endpoint' }

/**
 * Reads the options of the command line.
 *
 * @throws {UsageError}
 */
export function readLoginOptions(given: LoginArguments): LoginOptions {
  const { region, profile, endpoint } = given
  const { name, options, names, read } = sourceOf(given)
  const ca = given.ca === undefined ? undefined : readCa(given.ca)
  try {
    const checked = read({ ...options, iam: { region, profile, endpoint } })
    const variables = given.fromEnv && Object.values(names).filter((variable) => process.env[variable])
    return { ...checked, variables, ...(ca && { ca, ssl: { ...checked.ssl, ca: ca.pem } }) }
  } catch (error) {
    if (!isRdsIamError(error)) throw error
    const { option, advice } = error
    if (option === undefined) throw new UsageError(`${name}: ${firstLine(error)}`)
    throw new UsageError(`${{ ...names, ...IAM_NAMES }[option] ?? `${name}: ${option}`}: ${advice}`)
  }
}

function sourceOf(given: LoginArguments): Source {
  if (given.fromUrl !== undefined) return urlSource('--from-url', given.fromUrl)
  if (given.fromEnv) return environmentSource(given.engine)
  return argumentSource(given)
}

function argumentSource({ host, user, database, ...given }: LoginArguments): Source {
  if (host === undefined) throw new UsageError('--host: give the host to dial')
  if (user === undefined) throw new UsageError('--user: give the database user')
  const engine = readEngine({ ...given, host, iam: { endpoint: given.endpoint } })
  const port = given.port ?? DEFAULT_PORTS[engine]
  const names = { host: '--host', port: '--port', user: '--user', engine: '--engine' }
  const read = (options: ApplicationOptions): LoginOptions => {
    const { port: inHost } = readAddress(host, 'host')
    if (inHost !== undefined) throw new UsageError('--host: give the port as --port')
    const checked = readOptions(options)
    return isDsqlLogin(checked) ? { ...checked, database: database ?? 'postgres' } : checked
  }
  return { name: 'options', options: { engine, host, port, user, database }, names, read }
}

function urlSource(name: string, url: string): Source {
  const [, scheme] = /^(postgres(?=ql:|:)|mysql(?=:)|mariadb(?=:))/.exec(url) ?? []
  if (scheme === undefined) throw new UsageError(`${name}: give a URL such as postgres://user@host/database`)
  const option = scheme === 'postgres' ? 'connectionString' : 'uri'
  return { name, options: { [option]: url }, names: { [option]: name }, read: readApplicationOptions }
}

/** The variables that applications read, besides DATABASE_URL. The first row whose host is set is used. */
const VARIABLES: readonly (Readonly<Record<'host' | 'port' | 'user' | 'database', readonly string[]>> & {
  engine?: Engine
})[] = [
  { engine: 'postgres', host: ['PGHOST'], port: ['PGPORT'], user: ['PGUSER'], database: ['PGDATABASE'] },
  {
    engine: 'mysql',
    host: ['MYSQL_HOST'],
    port: ['MYSQL_PORT', 'MYSQL_TCP_PORT'],
    user: ['MYSQL_USER'],
    database: ['MYSQL_DATABASE'],
  },
  {
    host: ['DB_HOST'],
    port: ['DB_PORT'],
    user: ['DB_USER', 'DB_USERNAME'],
    database: ['DB_NAME', 'DB_DATABASE'],
  },
]

function environmentSource(wanted: Engine | undefined): Source {
  const { env } = process
  const url = env['DATABASE_URL']
  if (url) return urlSource('DATABASE_URL', url)
  const found = VARIABLES.find(
    ({ engine, host: [host = ''] }) => env[host] && (!wanted || !engine || engine === wanted),
  )
  if (!found) throw new UsageError('--from-env: none of DATABASE_URL, PGHOST, MYSQL_HOST and DB_HOST is set')
  const engine = found.engine ?? wanted
  const named = (['host', 'port', 'user', 'database'] as const).map((option) => {
    const variables = found[option]
    return [option, variables.find((variable) => env[variable]) ?? variables[0] ?? ''] as const
  })
  const values = named.map(([option, variable]) => [option, env[variable] || undefined])
  return {
    name: '--from-env',
    options: { engine, ...Object.fromEntries(values) },
    names: Object.fromEntries(named),
    read: readApplicationOptions,
  }
}

function readCa(file: string): { file: string; pem: string } {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--ca: ${(error as NodeJS.ErrnoException).code}: ${file} cannot be read`)
  }
  const certificates = splitPem(pem)
  if (certificates.length === 0) throw new UsageError(`--ca: there is no certificate in ${file}`)
  if (!certificates.every(parseCertificate))
    throw new UsageError(`--ca: a certificate in ${file} cannot be read`)
  return { file, pem }
}
