import { randomBytes } from 'node:crypto'
import type { BackendLogin, Engine } from '@rds-iam/local'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { inject } from 'vitest'

/** A user of the real server that has used all its allowed connections. */
export interface LimitedUser {
  login: BackendLogin
  close(): Promise<void>
}

export function createLimitedUser(engine: Engine): Promise<LimitedUser> {
  const user = `cli_${randomBytes(6).toString('hex')}`
  const login = { user, password: randomBytes(12).toString('hex') }
  return engine === 'postgres' ? createPostgresUser(login) : createMysqlUser(login)
}

async function createPostgresUser(login: Required<BackendLogin>): Promise<LimitedUser> {
  const admin = new pg.Client(inject('postgresUrl'))
  await admin.connect()
  await admin.query(`create role ${login.user} login password '${login.password}' connection limit 0`)
  return {
    login,
    async close() {
      await admin.query(`drop role ${login.user}`)
      await admin.end()
    },
  }
}

async function createMysqlUser(login: Required<BackendLogin>): Promise<LimitedUser> {
  const url = new URL(inject('mysqlUrl'))
  const admin = await createConnection(url.href)
  await admin.query(`create user ${login.user} identified by '${login.password}' with max_user_connections 1`)
  await admin.query(`grant all on ${url.pathname.slice(1)}.* to ${login.user}`)
  const address = { host: url.hostname, port: Number(url.port) }
  const held = await createConnection({ ...address, ...login })
  return {
    login,
    async close() {
      await held.end()
      await admin.query(`drop user ${login.user}`)
      await admin.end()
    },
  }
}
