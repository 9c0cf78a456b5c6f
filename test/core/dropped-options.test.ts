// A library may pass only a part of our configuration to the driver. docs/troubleshooting.md names these errors.
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { ourErrorIn } from '../support/our-error'

describe('pg', () => {
  let rds: TestEndpoint
  beforeAll(async () => {
    rds = await startEndpoint({ engine: 'postgres' })
  })
  afterAll(() => rds.close())

  it('rejects with the error of the server, without a cause, when it does not get our password function', async () => {
    const { password: _, ...config } = pgConfig(rds.options)
    const error = await failure(new pg.Client(config).connect())
    expect(error).toMatchObject({
      code: '28000',
      message: expect.stringContaining('PAM authentication failed'),
    })
    expect(ourErrorIn(error)).toBeUndefined()
  })

  it('rejects with what to do when a library calls our password function', async () => {
    const error = await failure(pgConfig(rds.options).password())
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'password' })
    expect((error as Error).message).toContain('() => ({ password })')
  })
})

describe('mysql2', () => {
  let rds: TestEndpoint
  beforeAll(async () => {
    rds = await startEndpoint({ engine: 'mysql' })
  })
  afterAll(() => rds.close())

  it('rejects with INVALID_OPTION when it does not get our plugin', async () => {
    const { authPlugins: _, ...config } = mysql2Config(rds.options)
    const error = await failure(mysql.createConnection(config as mysql.ConnectionOptions))
    expect(ourErrorIn(error)).toMatchObject({ code: 'INVALID_OPTION', option: 'authPlugins' })
  })

  it('rejects with MYSQL_CLEAR_PASSWORD_NOT_ENABLED when it gets neither our plugin nor our stream', async () => {
    const { authPlugins: _, stream: __, ...config } = mysql2Config(rds.options)
    const error = await failure(mysql.createConnection(config))
    expect(error).toMatchObject({ code: 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED' })
    expect(ourErrorIn(error)).toBeUndefined()
  })
})

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
