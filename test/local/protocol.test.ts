import { Readable } from 'node:stream'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import type mysql from 'mysql2/promise'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { mysqlClient, mysqlOptions, rows } from './mysql-client'
import { pgClient } from './postgres-client'
import { sign } from './sign'

describe('PostgreSQL through the endpoint', () => {
  let rds: LocalRds
  beforeAll(async () => {
    rds = await startLocalRds({ backend: inject('postgresUrl') })
  })
  afterAll(() => rds.close())

  test("reads the protocol's cursors in portions", async () => {
    const { host, port, user, database, ca } = rds
    const password = await sign(rds)
    const sql = postgres({ host, port, user, database, password, ssl: { ca }, max: 1 })
    const sizes: number[] = []
    for await (const portion of sql`select generate_series(1, 25) as n`.cursor(10)) sizes.push(portion.length)
    expect(sizes).toEqual([10, 10, 5])
    await sql.end()
  })

  test('reads SQL cursors, and runs several statements in one query', async () => {
    const session = await pgClient(rds)
    const results = (await session.query(
      'begin; declare c cursor for select generate_series(1, 5) as n; fetch 2 from c; fetch 2 from c; commit',
    )) as unknown as { rows: { n: number }[] }[]
    expect(results.map((result) => result.rows.map(({ n }) => n))).toEqual([[], [], [1, 2], [3, 4], []])
    await session.end()
  })

  test('keeps prepared statements', async () => {
    const session = await pgClient(rds)
    const statement = { name: 'sum', text: 'select $1::int + $2::int as sum' }
    for (const values of [
      [1, 2],
      [3, 4],
    ])
      expect((await session.query({ ...statement, values })).rows).toEqual([{ sum: values[0]! + values[1]! }])
    expect((await session.query('select name from pg_prepared_statements')).rows).toEqual([{ name: 'sum' }])
    await session.end()
  })
})

describe('MySQL through the endpoint', () => {
  let rds: LocalRds
  beforeAll(async () => {
    rds = await startLocalRds({ engine: 'mysql', backend: inject('mysqlUrl') })
  })
  afterAll(() => rds.close())

  test('sends the auth switch with a new challenge of twenty non-zero bytes and a final zero', async () => {
    const token = await sign(rds)
    const seen: Buffer[] = []
    const plugin = () => (data: Buffer) => {
      seen.push(Buffer.from(data))
      return Buffer.from(`${token}\0`)
    }
    const config = { authPlugins: { mysql_clear_password: plugin } } as unknown as mysql.ConnectionOptions
    for (let login = 0; login < 20; login++) await (await mysqlClient(rds, config)).end()
    for (const data of seen) expect(data.indexOf(0)).toBe(20)
    expect(seen.map((data) => data.length)).toEqual(Array.from({ length: 20 }, () => 21))
    expect(new Set(seen.map((data) => data.toString('hex'))).size).toBe(20)
  })

  test('loads data and prepares statements', async () => {
    const session = await mysqlClient(rds)
    await session.query('set global local_infile = 1')
    await session.query('create temporary table loaded (line varchar(100)) charset latin1')
    const infileStreamFactory = () =>
      Readable.from(Array.from({ length: 500 }, (_, n) => Buffer.from(`${n}\n`)))
    await session.query({ sql: `load data local infile 'x' into table loaded`, infileStreamFactory })
    expect(await rows(session, 'select count(*) as n from loaded')).toEqual([{ n: 500 }])
    const [prepared] = await session.execute('select ? + ? as sum', [1, 2])
    expect(prepared).toEqual([{ sum: 3 }])
    await session.end()
  })

  test('returns rows that are longer than a packet', async () => {
    const admin = await mysqlClient(rds)
    await admin.query('set global max_allowed_packet = 67108864')
    await admin.end()
    const session = await mysqlClient(rds, await mysqlOptions(rds))
    const [row] = await rows(session, `select repeat('x', 20000000) as x`)
    const text = String(row?.x)
    expect({ length: text.length, same: /^x+$/.test(text) }).toEqual({ length: 20_000_000, same: true })
    await session.end()
  })
})
