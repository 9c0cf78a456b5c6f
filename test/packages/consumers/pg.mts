// The types that an application with pg and @types/pg sees.
import {
  createTokenProvider,
  isRdsIamError,
  parseEndpoint,
  RdsIamError,
  type RdsIamErrorCode,
} from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import { Client, Pool, type ClientConfig, type PoolConfig } from 'pg'

const host = 'app.abcdefghijkl.eu-west-1.rds.amazonaws.com'
const options = { host, user: 'app', database: 'shop' }

export const pool: Pool = new Pool(pgConfig({ ...options, max: 5, iam: { region: 'eu-west-1' } }))
export const client: Client = new Client(
  pgConfig({ ...options, application_name: 'shop', ssl: { ca: 'PEM' } }),
)
export const byUrl: Pool = new Pool(pgConfig({ connectionString: `postgres://app@${host}/shop`, min: 1 }))
// An object of pg's own type may have a password: it is refused when it has one.
export const declared = (given: PoolConfig): Pool => new Pool(pgConfig(given))
export const portFromEnvironment = pgConfig({ ...options, port: process.env['DB_PORT'] ?? '5432' })
  .port satisfies number

const config = pgConfig({ ...options, max: 5, iam: { region: 'eu-west-1' } })
export const poolConfig: PoolConfig = config
export const clientConfig: ClientConfig = pgConfig(options)
export const spread: Pool = new Pool({ ...config, host: 'localhost', log: () => undefined })
export const kept: { max: number; database: string } = config
export const made: { host: string; port: number; user: string; password: () => Promise<string> } = config
// @ts-expect-error: max is the number that the caller gave
export const text: string = config.max
// @ts-expect-error: iam does not reach the driver
void config.iam
// @ts-expect-error: what was not given is not there
void config.min

// @ts-expect-error: an IAM login has no password
pgConfig({ ...options, password: 'secret' })
// @ts-expect-error: also where it is a function
pgConfig({ ...options, password: async () => 'secret' })
// @ts-expect-error: a misspelt option
pgConfig({ ...options, iam: { region: 'eu-west-1', regoin: 'eu-west-1' } })
// @ts-expect-error: what pg's own types refuse is still refused
new Pool(pgConfig({ ...options, max: 'five' }))

// The rest of core, once: its declarations need none of the drivers.
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const provider = createTokenProvider({ host, port: 5432, user: 'app', credentials: async () => credentials })
export const expiry: Promise<Date> = provider
  .getToken({ forceRefresh: true })
  .then((token) => token.expiresAt)
export const region: string | undefined = parseEndpoint(host).region
export const code = (error: unknown): RdsIamErrorCode | undefined =>
  isRdsIamError(error) ? error.code : undefined
export const cause: unknown = new RdsIamError('TOKEN_TIMEOUT', 'slow').cause
// @ts-expect-error: createTokenProvider signs for the host that it is given
createTokenProvider({ host, port: 5432, user: 'app', endpoint: host })
