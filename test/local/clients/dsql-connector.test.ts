import dns from 'node:dns'
import { AuroraDSQLClient, AuroraDSQLPool } from '@aws/aurora-dsql-node-postgres-connector'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { DSQL_ENDPOINT } from '../../contract/endpoint-options'

let rds: LocalRds

beforeAll(async () => {
  rds = await startLocalRds({ engine: 'dsql', endpoints: [DSQL_ENDPOINT] })
  const { lookup } = dns
  vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: unknown[]) =>
    Reflect.apply(lookup, dns, [host === DSQL_ENDPOINT ? '127.0.0.1' : host, ...rest])) as typeof lookup)
})

beforeEach(() => rds.configure({ clockOffsetMs: 0, conflicts: 0 }))

afterAll(async () => {
  vi.restoreAllMocks()
  await rds.close()
})

/** The connector's options. It reads the region from the host, and logs in as admin to the database postgres. */
const config = () => ({
  host: DSQL_ENDPOINT,
  port: rds.port,
  ssl: { ca: rds.ca },
  customCredentialsProvider: rds.configuration.identities[0]!,
})

test.each(['admin', 'jane_doe'])('AWS’s connector logs in as %s', async (user) => {
  const client = new AuroraDSQLClient({ ...config(), user })
  await client.connect()
  const { rows } = await client.query(
    'select current_user::text as user, current_database()::text as database',
  )
  expect(rows).toEqual([{ user, database: 'postgres' }])
  await client.end()
})

test('AWS’s connector retries a transaction that conflicts', async () => {
  const pool = new AuroraDSQLPool({ ...config(), max: 1 })
  await pool.query('create table orders (id int)')
  await rds.configure({ conflicts: 2 })
  await pool.transaction((client) => client.query('insert into orders values (1)'))
  expect((await pool.query('select id from orders')).rows).toEqual([{ id: 1 }])
  expect(rds.configuration.conflicts).toBe(0)
  await pool.end()
})

test.each([
  ['with an expired token', { clockOffsetMs: 901_000 }, {}, 'TOKEN_EXPIRED'],
  ['with an unknown key', {}, { accessKeyId: 'AKIAOTHER', secretAccessKey: 'x' }, 'KEY_UNKNOWN'],
  ['in another region', { region: 'eu-west-1' }, {}, 'REGION_MISMATCH'],
])('AWS’s connector is refused %s', async (_, change, identity, reason) => {
  const { region } = rds
  const given = config()
  await rds.configure(change)
  const customCredentialsProvider = { ...given.customCredentialsProvider, ...identity }
  const client = new AuroraDSQLClient({ ...given, customCredentialsProvider })
  await expect(client.connect()).rejects.toMatchObject({
    code: '08006',
    message: 'unable to accept connection, access denied',
  })
  expect(rds.logins.at(-1)).toMatchObject({ user: 'admin', verdict: 'refused', reason })
  await rds.configure({ region })
})
