import mysql from 'mysql2/promise'
import pg from 'pg'

/** The options for a login over TLS. */
export interface Target {
  host: string
  port: number
  user: string
  password: string
  database: string
  ca: string
}

/** A connected driver. */
export interface Driver {
  query(sql: string): Promise<number>
  end(): Promise<void>
}

const LARGE = 'select id, payload from bench'
const SCAN = `select count(*) from bench where payload like '%y%'`

/**
 * The measured workloads. Each runs a query `times` times, with `inFlight` of them at once. Rounds are short, so that
 * other load on the machine affects all paths alike. `rounds` is the number of rounds for each round of the longest
 * workload.
 */
export const WORKLOADS = [
  { name: '200,000 rows, 50 MB', sql: LARGE, rows: 200_000, times: 1, inFlight: 1, rounds: 1 },
  { name: 'select 1, one in flight', sql: 'select 1', rows: 1, times: 150, inFlight: 1, rounds: 12 },
  { name: 'select 1, sixteen in flight', sql: 'select 1', rows: 1, times: 400, inFlight: 16, rounds: 12 },
  {
    name: '100 rows, one in flight',
    sql: `${LARGE} limit 100`,
    rows: 100,
    times: 60,
    inFlight: 1,
    rounds: 8,
  },
  {
    name: '100 rows, sixteen in flight',
    sql: `${LARGE} limit 100`,
    rows: 100,
    times: 150,
    inFlight: 16,
    rounds: 8,
  },
  { name: 'scan of 200,000 rows', sql: SCAN, rows: 1, times: 5, inFlight: 1, rounds: 4 },
] as const

export const IN_FLIGHT = 16

export const DRIVERS = {
  postgres: (target: Target): Driver => {
    const { ca, ...login } = target
    const pool = new pg.Pool({ ...login, ssl: { ca }, max: IN_FLIGHT, idleTimeoutMillis: 0 })
    pool.on('error', () => {}) // if something else fails, the server stops first
    return { query: async (sql) => (await pool.query(sql)).rows.length, end: () => pool.end() }
  },
  mysql: (target: Target): Driver => {
    const { ca, password, ...login } = target
    const pool = mysql.createPool({
      ...login,
      password,
      authPlugins: { mysql_clear_password: () => () => Buffer.from(`${password}\0`) },
      ssl: { ca, verifyIdentity: true },
      connectionLimit: IN_FLIGHT,
      maxIdle: IN_FLIGHT,
    })
    return {
      query: async (sql) => (await pool.query<mysql.RowDataPacket[]>(sql))[0].length,
      end: () => pool.end(),
    }
  },
}

/** The statements that create the table for the large result. */
export const FILL = {
  postgres: [
    `create table bench as select id, repeat('x', 250) as payload from generate_series(1, 200000) as id`,
    'grant select on bench to public',
    'vacuum analyze bench',
  ],
  mysql: [`create table bench as select seq as id, repeat('x', 250) as payload from seq_1_to_200000`],
}

/** Runs a workload once. Returns its duration in milliseconds. */
export async function time(driver: Driver, workload: (typeof WORKLOADS)[number]): Promise<number> {
  const { sql, rows, times, inFlight } = workload
  let left: number = times
  const queryRepeatedly = async () => {
    while (left-- > 0)
      if ((await driver.query(sql)) !== rows) throw new Error(`${sql} did not return ${rows} rows`)
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, queryRepeatedly))
  return performance.now() - start
}
