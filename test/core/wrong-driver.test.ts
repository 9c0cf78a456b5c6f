import { once, type EventEmitter } from 'node:events'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { knex } from 'knex'
import * as mariadb from 'mariadb'
import mysql from 'mysql2'
import mysqlPromise from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { ourErrorIn } from '../support/our-error'

const options = { host: 'localhost', port: 1, user: 'app' }
const configs = {
  // mysql2 prints a warning about an option that it does not know: give it none of pg's.
  pgConfig() {
    const { host, port, user, password, ssl, stream } = pgConfig(options)
    return { host, port, user, password, ssl, stream }
  },
  mysql2Config: () => mysql2Config(options),
  mariadbConfig: () => mariadbConfig(options),
}

const drivers: Record<string, { own: string; connect: (config: object) => Promise<unknown> }> = {
  'a pg Client': { own: 'pgConfig', connect: (config) => new pg.Client(config).connect() },
  'a pg Pool': { own: 'pgConfig', connect: (config) => new pg.Pool(config).query('select 1') },
  'knex on pg': {
    own: 'pgConfig',
    async connect(connection) {
      const db = knex({ client: 'pg', connection, log: { warn() {} } })
      await db.raw('select 1').finally(() => db.destroy())
    },
  },
  'a mysql2 connection': {
    own: 'mysql2Config',
    connect: (config) =>
      new Promise((resolve, reject) => {
        mysql.createConnection(config).connect((error) => (error ? reject(error) : resolve(undefined)))
      }),
  },
  'a mysql2 promise pool': {
    own: 'mysql2Config',
    connect: (config) => mysqlPromise.createPool(config).query('select 1'),
  },
  'a mariadb connection': { own: 'mariadbConfig', connect: (config) => mariadb.createConnection(config) },
}

describe.each(Object.entries(drivers))('%s', (_, { own, connect }) => {
  it.each(Object.entries(configs).filter(([name]) => name !== own))(
    'rejects with INVALID_OPTION when it gets the result of %s',
    async (name, config) => {
      const error = await connect(config()).then(
        () => undefined,
        (failure: unknown) => failure,
      )
      expect(ourErrorIn(error)).toMatchObject({ code: 'INVALID_OPTION', option: name })
    },
  )
})

it.each(['3.14.5', undefined])(
  'rejects with INVALID_OPTION when the version of mysql2 is %s',
  async (version) => {
    const stream = mysql2Config(options).stream as (connection: object) => EventEmitter
    const socket = stream({ config: { ...options, connectAttributes: { _client_version: version } } })
    const [error] = (await once(socket, 'error').catch((failure: unknown) => [failure])) as unknown[]
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'mysql2' })
    expect((error as Error).message).toContain('version 3.15 or later is needed')
  },
)
