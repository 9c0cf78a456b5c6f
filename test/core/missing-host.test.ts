import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import * as mariadb from 'mariadb'
import mysqlPromise from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ourErrorIn } from '../support/our-error'

const options = { host: undefined, user: 'app', iam: { region: 'eu-west-1' } }

const kept = process.env['PGHOST']
beforeEach(() => {
  delete process.env['PGHOST']
})
afterEach(() => {
  if (kept !== undefined) process.env['PGHOST'] = kept
})

it.each<[string, () => Promise<unknown>]>([
  ['pg', () => new pg.Pool(pgConfig(options)).query('select 1')],
  ['mysql2', () => mysqlPromise.createPool(mysql2Config(options)).query('select 1')],
  ['postgres.js', () => postgres(postgresConfig(options))`select 1`],
  ['mariadb', () => mariadb.createConnection(mariadbConfig(options))],
])('%s rejects the first connection with INVALID_OPTION when there is no host', async (_, connect) => {
  const error = await connect().then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect(ourErrorIn(error)).toMatchObject({ code: 'INVALID_OPTION', option: 'host' })
})
