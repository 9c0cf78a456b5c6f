import { readFileSync } from 'node:fs'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { testExample } from './run-example'

const programs = ['migrate-knex', 'migrate-kysely', 'migrate-typeorm', 'migrate-sequelize']
const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')

describe('by IAM', () => {
  beforeAll(() => {
    Object.assign(process.env, { DB_LOGIN: 'iam', DB_USER: 'jane_doe' })
  })
  for (const program of programs) testExample(program, ['postgres'])
})

describe('by password', () => {
  beforeAll(() => {
    Object.assign(process.env, { DB_LOGIN: '', DATABASE_URL: inject('postgresUrl') })
  })
  const { username } = new URL(inject('postgresUrl'))
  for (const program of programs) testExample(program, [], ({ output }) => expect(output).toContain(username))
})

it('lets the second PostgreSQL user see the sessions of the first', async () => {
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    // Create the role that RDS has by default and the application's user, in a transaction that is rolled back.
    await client.query('begin; create role app login')
    const { rowCount } = await client.query("select from pg_roles where rolname = 'rds_iam'")
    if (rowCount === 0) await client.query('create role rds_iam')
    await client.query(read('migrate-postgres.sql'))
    await client.query('set local session authorization app_iam')
    expect((await client.query("select pg_has_role('rds_iam', 'member') as iam")).rows).toEqual([
      { iam: true },
    ])
    expect((await client.query("select pg_has_role('app', 'member') as app")).rows).toEqual([{ app: true }])
  } finally {
    await client.query('rollback')
    await client.end()
  }
})

it('creates a second MySQL account', async () => {
  const connection = await mysql.createConnection({ uri: inject('mysqlUrl'), multipleStatements: true })
  try {
    const plugin = 'WITH AWSAuthenticationPlugin AS'
    const sql = read('migrate-mysql.sql')
    expect(sql).toContain(plugin)
    // Only RDS has the plugin.
    await connection.query(sql.replace(plugin, 'BY'))
    const [rows] = await connection.query("show grants for 'app_iam'@'%'")
    expect(JSON.stringify(rows)).toMatch(/REQUIRE SSL.*REFERENCES.*`app`/)
  } finally {
    await connection.query("drop user if exists 'app_iam'@'%'")
    await connection.end()
  }
})
