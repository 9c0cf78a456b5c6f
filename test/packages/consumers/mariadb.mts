// The types that an application with the mariadb driver sees.
import { mariadbConfig } from '@rds-iam/core/mariadb'
import {
  createConnection,
  createPool,
  createPoolCluster,
  type Connection,
  type Pool,
  type PoolConfig,
} from 'mariadb'

const host = 'app.abcdefghijkl.eu-west-1.rds.amazonaws.com'
const options = { host, user: 'app', database: 'shop' }

const config = mariadbConfig({ ...options, connectionLimit: 5, iam: { region: 'eu-west-1' } })
export const pool: Pool = createPool(config)
export const connection: Promise<Connection> = createConnection(
  mariadbConfig({ ...options, ssl: { ca: 'PEM' } }),
)
export const declared = (given: Omit<PoolConfig, 'password'>): Pool => createPool(mariadbConfig(given))
createPoolCluster().add('reader', { ...config, host: 'localhost' })
export const kept: { connectionLimit: number; database: string } = config
export const made: { host: string; port: number; user: string; connectTimeout: number } = config
// @ts-expect-error: connectionLimit is the number that the caller gave
export const text: string = config.connectionLimit
// @ts-expect-error: iam does not reach the driver
void config.iam
// @ts-expect-error: nothing in it is a password
void config.password

// @ts-expect-error: an IAM login has no password
mariadbConfig({ ...options, password: 'secret' })
// @ts-expect-error: a misspelt option
mariadbConfig({ ...options, iam: { region: 'eu-west-1', regoin: 'eu-west-1' } })
// @ts-expect-error: what the driver's own types refuse is still refused
createPool(mariadbConfig({ ...options, connectionLimit: 'five' }))
