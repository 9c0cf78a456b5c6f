// The types that an application with pg and without @types/pg sees: ours stay whole.
import { pgConfig } from '@rds-iam/core/pg'
// @ts-expect-error: pg brings no declarations
import { Pool } from 'pg'

const config = pgConfig({ host: 'localhost', user: 'app', max: 5, iam: { region: 'eu-west-1' } })
export const pool = new Pool(config)
export const kept: { max: number; password: () => Promise<string> } = config
// @ts-expect-error: max is the number that the caller gave
export const text: string = config.max
// @ts-expect-error: an IAM login has no password
pgConfig({ host: 'localhost', user: 'app', password: 'secret' })
