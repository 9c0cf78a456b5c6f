// The types that an application with mysql2 sees.
import { mysql2Config } from '@rds-iam/core/mysql2'
import { createConnection, createPool, type Connection, type Pool, type PoolOptions } from 'mysql2'
import * as promise from 'mysql2/promise'

const host = 'app.abcdefghijkl.eu-west-1.rds.amazonaws.com'
const options = { host, user: 'app', database: 'shop' }

const config = mysql2Config({ ...options, connectionLimit: 5, iam: { region: 'eu-west-1' } })
export const pool: Pool = createPool(config)
export const connection: Connection = createConnection(mysql2Config({ ...options, ssl: { ca: 'PEM' } }))
export const promisePool: promise.Pool = promise.createPool(config)
export const promiseConnection: Promise<promise.Connection> = promise.createConnection(mysql2Config(options))
export const byUri: Pool = createPool(mysql2Config({ uri: `mysql://app@${host}/shop`, connectionLimit: 5 }))
// An object of mysql2's own type may have a password: it is refused when it has one.
export const declared = (given: PoolOptions): Pool => createPool(mysql2Config(given))
export const portFromEnvironment = mysql2Config({ ...options, port: process.env['DB_PORT'] ?? '3306' })
  .port satisfies number

export const poolOptions: PoolOptions = config
export const spread: Pool = createPool({ ...config, host: 'localhost', waitForConnections: false })
export const kept: { connectionLimit: number; database: string } = config
export const made: { host: string; port: number; user: string } = config
// @ts-expect-error: connectionLimit is the number that the caller gave
export const text: string = config.connectionLimit
// @ts-expect-error: iam does not reach the driver
void config.iam
// @ts-expect-error: nothing in it is a password
void config.password

// @ts-expect-error: an IAM login has no password
mysql2Config({ ...options, password: 'secret' })
// @ts-expect-error: a misspelt option
mysql2Config({ ...options, iam: { region: 'eu-west-1', regoin: 'eu-west-1' } })
// @ts-expect-error: what mysql2's own types refuse is still refused
createPool(mysql2Config({ ...options, connectionLimit: 'five' }))
