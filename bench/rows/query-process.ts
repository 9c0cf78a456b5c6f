// Compares the queries of one subject in a new process, because the AWS wrapper keeps one engine's state for all engines.
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import knex from 'knex'
import { Kysely, MysqlDialect, PostgresDialect, sql } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import { requireFromApplication } from '../application'
import { measure, timed, type Contestant, type Figure } from '../figures'
import { DSQL_ENDPOINT, identityOf, staticToken, type Endpoint } from '../scene'

const IN_FLIGHT = 16

const WORKLOADS = [
  { what: 'SELECT 1, one in flight', text: 'select 1 as one', rows: 1, times: 200, inFlight: 1 },
  { what: 'SELECT 1, sixteen in flight', text: 'select 1 as one', rows: 1, times: 600, inFlight: IN_FLIGHT },
  {
    what: '100 rows, one in flight',
    text: 'select id, payload from hundred',
    rows: 100,
    times: 100,
    inFlight: 1,
  },
  {
    what: '100 rows, sixteen in flight',
    text: 'select id, payload from hundred',
    rows: 100,
    times: 300,
    inFlight: IN_FLIGHT,
  },
] as const

type Workload = (typeof WORKLOADS)[number]

/** An open database. A query returns its number of rows. */
interface Database {
  query(text: string): Promise<number>
  end(): Promise<unknown>
}

/** How each contestant opens the database. */
type Openers = { baseline: () => Database } & Partial<Record<Contestant, () => Database>>

/** The message that starts a comparison. */
export interface Order {
  subject: string
  endpoint: Endpoint
  seconds: number
}

process.once('message', (order: Order) => {
  void run(order).then((figures) => process.send?.(figures, () => process.disconnect()))
})

async function run({ subject, endpoint, seconds }: Order): Promise<Figure[]> {
  const openers = await SUBJECTS[subject]?.(endpoint)
  if (!openers) throw new Error(`no such subject: ${subject}`)
  const contestants = Object.entries({ ...openers, 'baseline again': openers.baseline })
  return measure(
    Object.fromEntries(contestants.map(([name, open]) => [name, () => queryNewPool(open)])),
    [...WORKLOADS.map(({ what }) => what), 'CPU of these queries'].map((what) => ({
      quantity: what,
      what,
      subject,
      unit: '×',
      target: 1.02,
    })),
    seconds,
  )
}

/**
 * Measures all workloads in a new pool: two pools with the same options differ by up to 20 % as long as they are open.
 */
async function queryNewPool(open: () => Database): Promise<Record<string, number>> {
  const database = open()
  for (const workload of WORKLOADS) await query(database, { ...workload, times: IN_FLIGHT * 3 })
  const taken: Record<string, number> = {}
  const before = process.cpuUsage()
  for (const workload of WORKLOADS) taken[workload.what] = (await timed(() => query(database, workload))).ms
  const { user, system } = process.cpuUsage(before)
  await database.end()
  return { ...taken, 'CPU of these queries': user + system }
}

async function query(
  database: Database,
  { text, rows, times, inFlight }: Pick<Workload, 'text' | 'rows' | 'inFlight'> & { times: number },
): Promise<void> {
  let left = times
  const queryRepeatedly = async () => {
    while (left-- > 0) if ((await database.query(text)) !== rows) throw new Error(`${text}: not ${rows} rows`)
  }
  await Promise.all(Array.from({ length: inFlight }, queryRepeatedly))
}

/** The options of each contestant. */
async function logins(endpoint: Endpoint) {
  const { host, port, user, database, ca, region } = endpoint
  const address = { host, port, user, database }
  const password = await staticToken(endpoint)
  const wrapped = { ...address, ssl: { ca }, plugins: 'iam', iamRegion: region, iamHost: host }
  // The wrapper and the connector use the SDK's default credential chain.
  Object.assign(process.env, endpoint.env)
  return {
    wrapped,
    pg: { ...address, ssl: { ca }, password },
    mysql2: {
      ...address,
      ssl: { ca, verifyIdentity: true },
      authPlugins: { mysql_clear_password: () => () => Buffer.from(`${password}\0`) },
    },
    ours: { ...address, ssl: { ca }, iam: { region, credentials: identityOf(endpoint) } },
  }
}

const SUBJECTS: Record<string, (endpoint: Endpoint) => Promise<Openers>> = {
  pg: async (endpoint) => {
    const { pg, ours, wrapped } = await logins(endpoint)
    const { AwsPgPoolClient } = requireFromApplication('aws-advanced-nodejs-wrapper/pg') as {
      AwsPgPoolClient: new (options: object, pool: object) => PgPool
    }
    return {
      baseline: () => overPg(openPgPool(pg)),
      'rds-iam': () => overPg(openPgPool(pgConfig(ours))),
      'AWS wrapper': () => overPg(new AwsPgPoolClient(wrapped, { maxConnections: IN_FLIGHT })),
    }
  },
  'knex, pg': async (endpoint) => {
    const { pg, ours } = await logins(endpoint)
    return { baseline: () => overKnex('pg', pg), 'rds-iam': () => overKnex('pg', pgConnection(ours)) }
  },
  'pg, Aurora DSQL': async (endpoint) => {
    const { pg, ours } = await logins(endpoint)
    const { AuroraDSQLPool } = requireFromApplication('@aws/aurora-dsql-node-postgres-connector') as {
      AuroraDSQLPool: new (options: object) => PgPool
    }
    const { password: _, ...address } = pg
    const settings = { max: IN_FLIGHT, idleTimeoutMillis: 0, region: endpoint.region }
    return {
      baseline: () => overPg(openPgPool(pg)),
      'rds-iam': () =>
        overPg(openPgPool(pgConfig({ ...ours, iam: { ...ours.iam, endpoint: DSQL_ENDPOINT } }))),
      'DSQL connector': () => overPg(new AuroraDSQLPool({ ...address, ...settings })),
    }
  },
  'kysely, pg': async (endpoint) => {
    const { pg, ours } = await logins(endpoint)
    const options = { ...ours, max: IN_FLIGHT, idleTimeoutMillis: 0 }
    return {
      baseline: () => overKysely(new PostgresDialect({ pool: openPgPool(pg) })),
      'rds-iam': () => overKysely(new PostgresDialect(postgresDialectConfig(options))),
    }
  },
  mysql2: async (endpoint) => {
    const { mysql2, ours, wrapped } = await logins(endpoint)
    const { AwsMySQLPoolClient } = requireFromApplication('aws-advanced-nodejs-wrapper/mysql') as {
      AwsMySQLPoolClient: new (options: object, pool: object) => Mysql2Pool
    }
    return {
      baseline: () => overMysql2(openMysql2Pool(mysql2).promise()),
      'rds-iam': () => overMysql2(openMysql2Pool(mysql2Config(ours)).promise()),
      'AWS wrapper': () =>
        overMysql2(
          new AwsMySQLPoolClient({ ...wrapped, enableCleartextPlugin: true }, { maxConnections: IN_FLIGHT }),
        ),
    }
  },
  'knex, mysql2': async (endpoint) => {
    const { mysql2, ours } = await logins(endpoint)
    return {
      baseline: () => overKnex('mysql2', mysql2),
      'rds-iam': () => overKnex('mysql2', mysql2Connection(ours)),
    }
  },
  'kysely, mysql2': async (endpoint) => {
    const { mysql2, ours } = await logins(endpoint)
    const options = { ...ours, connectionLimit: IN_FLIGHT }
    return {
      baseline: () => overKysely(new MysqlDialect({ pool: openMysql2Pool(mysql2) })),
      'rds-iam': () => overKysely(new MysqlDialect(mysqlDialectConfig(options))),
    }
  },
}

interface PgPool {
  query(text: string): Promise<{ rows: unknown[] }>
  end(): Promise<unknown>
}

interface Mysql2Pool {
  query(text: string): Promise<unknown>
  end(): Promise<unknown>
}

const openPgPool = (options: pg.PoolConfig) =>
  new pg.Pool({ ...options, max: IN_FLIGHT, idleTimeoutMillis: 0 })
const openMysql2Pool = (options: object) => mysql.createPool({ ...options, connectionLimit: IN_FLIGHT })

function overPg(pool: PgPool): Database {
  return { query: async (text) => (await pool.query(text)).rows.length, end: () => pool.end() }
}

function overMysql2(pool: Mysql2Pool): Database {
  return { query: async (text) => ((await pool.query(text)) as [unknown[]])[0].length, end: () => pool.end() }
}

function overKnex(client: 'pg' | 'mysql2', connection: object): Database {
  const db = knex({ client, connection, pool: { min: 0, max: IN_FLIGHT } })
  return {
    query: async (text) => {
      const answer = (await db.raw(text)) as { rows: unknown[] } & [unknown[]]
      return (client === 'pg' ? answer.rows : answer[0]).length
    },
    end: () => db.destroy(),
  }
}

function overKysely(dialect: PostgresDialect | MysqlDialect): Database {
  const db = new Kysely<unknown>({ dialect })
  return {
    query: async (text) => (await sql.raw(text).execute(db)).rows.length,
    end: () => db.destroy(),
  }
}
