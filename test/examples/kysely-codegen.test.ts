import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { rdsIam } from '../cli/command'
import { startEndpoint } from '../contract/endpoint'
import { testExample } from './run-example'

const TABLE = 'codegen_orders'
const folder = mkdtempSync(join(tmpdir(), 'rds-iam-codegen-'))

beforeAll(() => onBoth(`create table if not exists ${TABLE} (id int primary key, item varchar(20) not null)`))
afterAll(async () => {
  await onBoth(`drop table ${TABLE}`)
  rmSync(folder, { recursive: true })
})

testExample('kysely-codegen', ['postgres', 'mysql'], ({ output }) => {
  expect(output.match(/interface CodegenOrders {\n {2}id: number;\n {2}item: string;\n}/g)).toHaveLength(2)
})

it.each(['postgres', 'mysql'] as const)(
  'logs in with the URL of rds-iam exec for %s instead of the one in an .env file, and prints no token',
  async (engine) => {
    const rds = await startEndpoint({ engine })
    try {
      writeFileSync(join(folder, 'ca.pem'), rds.ca)
      writeFileSync(join(folder, '.env'), 'DATABASE_URL=postgresql://nobody:wrong@localhost:1/none')
      const login = [
        '--host',
        'localhost',
        '--port',
        `${rds.port}`,
        '--user',
        rds.user,
        '--database',
        'app',
        '--engine',
        engine,
      ]
      const codegen = createRequire(import.meta.url)
        .resolve('kysely-codegen')
        .replace('index.js', 'cli/bin.js')
      const command = [process.execPath, codegen, '--print', '--include-pattern', TABLE]
      const outcome = await rdsIam(['exec', ...login, '--ca', 'ca.pem', '--', ...command], rds.env, {
        cwd: folder,
      })
      expect(outcome).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('interface CodegenOrders {\n  id: number;'),
      })
      expect(outcome.stdout + outcome.stderr).not.toContain('X-Amz')
      expect(new Set(rds.logins.map(({ verdict }) => verdict))).toEqual(new Set(['accepted']))
    } finally {
      await rds.close()
    }
  },
)

async function onBoth(sql: string): Promise<void> {
  const postgres = new pg.Client(inject('postgresUrl'))
  await postgres.connect()
  await postgres.query(sql).finally(() => postgres.end())
  const connection = await mysql.createConnection(inject('mysqlUrl'))
  await connection.query(sql).finally(() => connection.end())
}
