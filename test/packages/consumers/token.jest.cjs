// Jest runs CommonJS in a virtual machine that has no import(): what we load late has to come by require.
const { createTokenProvider } = require('@rds-iam/core')
const { pgConfig } = require('@rds-iam/core/pg')
const { pgConnection } = require('@rds-iam/knex')
const { postgresDialectConfig } = require('@rds-iam/kysely')
const { knex } = require('knex')
const { Kysely, PostgresDialect, sql } = require('kysely')
const { Pool } = require('pg')

const login = { host: '127.0.0.1', port: 1, user: 'app' }
const iam = { region: 'eu-west-1', credentials: { accessKeyId: 'AKIDSTATIC', secretAccessKey: 'secret' } }

test('a token with static credentials', async () => {
  const { value } = await createTokenProvider({ ...login, ...iam }).getToken()
  expect(value).toMatch(
    /^127\.0\.0\.1:1\/\?Action=connect&DBUser=app&.*X-Amz-Credential=AKIDSTATIC.*X-Amz-Signature=/,
  )
})

test('a token with credentials from the environment', async () => {
  const { value } = await createTokenProvider({ ...login, region: 'eu-west-1' }).getToken()
  expect(value).toContain('X-Amz-Credential=AKIDENVIRONMENT')
})

// Nothing listens there: a query that is refused has found the driver, and our configuration of it.
const REFUSED = { code: 'ECONNREFUSED' }

test('pg', async () => {
  const pool = new Pool(pgConfig({ ...login, iam }))
  await expect(pool.query('select 1')).rejects.toMatchObject(REFUSED)
  await pool.end()
})

test('knex', async () => {
  const db = knex({ client: 'pg', connection: pgConnection({ ...login, iam }), log: { warn() {} } })
  await expect(db.raw('select 1')).rejects.toMatchObject(REFUSED)
  await db.destroy()
})

test('kysely', async () => {
  const db = new Kysely({ dialect: new PostgresDialect(postgresDialectConfig({ ...login, iam })) })
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject(REFUSED)
  await db.destroy()
})
