// The types that an application with postgres.js sees.
import { postgresConfig } from '@rds-iam/core/postgres'
import postgres from 'postgres'

const host = 'app.abcdefghijkl.eu-west-1.rds.amazonaws.com'
const options = { host, user: 'app', database: 'shop' }

const config = postgresConfig({ ...options, max: 5, iam: { region: 'eu-west-1' } })
export const sql: postgres.Sql = postgres(config)
export const spread = postgres({ ...config, max: 7, transform: postgres.camel })
export const byUrl: postgres.Sql = postgres(postgresConfig(`postgres://app@${host}/shop`, { max: 5 }))
export const byUrlAlone: postgres.Sql = postgres(postgresConfig(`postgres://app@${host}/shop`))
export const several: postgres.Sql = postgres(postgresConfig({ ...options, host: `${host},${host}:5433` }))
export const kept: { max: number; database: string } = config
export const made: { host: string; port: number; user: string; password: () => string } = config
// @ts-expect-error: max is the number that the caller gave
export const text: string = config.max
// @ts-expect-error: iam does not reach the driver
void config.iam

// @ts-expect-error: an IAM login has no password
postgresConfig({ ...options, password: 'secret' })
// @ts-expect-error: by its other name
postgresConfig({ ...options, pass: 'secret' })
// @ts-expect-error: a misspelt option
postgresConfig({ ...options, iam: { region: 'eu-west-1', regoin: 'eu-west-1' } })
// @ts-expect-error: what the driver's own types refuse is still refused
postgres(postgresConfig({ ...options, max: 'five' }))
