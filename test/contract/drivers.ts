import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import { promisify } from 'node:util'
import type mariadb from 'mariadb'
import type { Connection } from 'mariadb'
import type mysqlCallback from 'mysql2'
import type mysql from 'mysql2/promise'
import type pg from 'pg'
import type postgres from 'postgres'
import type { Adapter } from './adapter'

/** An adapter for pg's Pool, for any version of pg. */
export const pgPool = ({ Pool }: typeof pg): Adapter => ({
  engine: 'postgres',
  open(options, max) {
    const pool = new Pool({ ...pgConfig(options), max })
    return {
      sql: async (sql) => (await pool.query(sql)).rows,
      async transaction(work) {
        const client = await pool.connect()
        try {
          await client.query('begin')
          const result = await work(async (sql) => (await client.query(sql)).rows)
          await client.query('commit')
          return result
        } catch (error) {
          await client.query('rollback')
          throw error
        } finally {
          client.release()
        }
      },
      close: () => pool.end(),
    }
  },
})

/** An adapter for the pool of mysql2/promise. */
export const mysql2Pool = ({ createPool }: typeof mysql): Adapter => ({
  engine: 'mysql',
  open(options, max) {
    const pool = createPool({ ...mysql2Config(options), connectionLimit: max })
    const rows = (result: unknown) => (result as [Record<string, unknown>[]])[0]
    return {
      sql: async (sql) => rows(await pool.query(sql)),
      async transaction(work) {
        const connection = await pool.getConnection()
        try {
          await connection.beginTransaction()
          const result = await work(async (sql) => rows(await connection.query(sql)))
          await connection.commit()
          return result
        } catch (error) {
          await connection.rollback()
          throw error
        } finally {
          connection.release()
        }
      },
      close: () => pool.end(),
    }
  },
})

/** An adapter for mysql2's callback pool, which knex and kysely use, for any version of mysql2. */
export const mysql2CallbackPool = ({ createPool }: typeof mysqlCallback): Adapter => ({
  engine: 'mysql',
  open(options, max) {
    const pool = createPool({ ...mysql2Config(options), connectionLimit: max })
    const sqlOn = (on: Pick<mysqlCallback.Pool, 'query'>) => (sql: string) =>
      new Promise<Record<string, unknown>[]>((resolve, reject) => {
        on.query<mysqlCallback.RowDataPacket[]>(sql, (error, rows) => (error ? reject(error) : resolve(rows)))
      })
    return {
      sql: sqlOn(pool),
      async transaction(work) {
        const connection = await promisify(pool.getConnection.bind(pool))()
        const sql = sqlOn(connection)
        try {
          await sql('begin')
          const result = await work(sql)
          await sql('commit')
          return result
        } catch (error) {
          await sql('rollback')
          throw error
        } finally {
          connection.release()
        }
      },
      close: () => promisify(pool.end.bind(pool))(),
    }
  },
})

/** postgres.js, as an application uses it; `timeout`, in seconds, limits its end. */
export const postgresJs = (open: typeof postgres, timeout?: number): Adapter => ({
  engine: 'postgres',
  open(options, max) {
    const sql = open({ ...postgresConfig(options), max, onnotice() {} })
    return {
      sql: (text) => sql.unsafe(text),
      async transaction(work) {
        const kept: { result?: Awaited<ReturnType<typeof work>> } = {}
        await sql.begin(async (transaction) => {
          kept.result = await work((text) => transaction.unsafe(text))
        })
        return kept.result as Awaited<ReturnType<typeof work>>
      },
      close: () => sql.end({ timeout }),
    }
  },
})

/** An adapter for the mariadb driver's pool. */
export const mariadbPool = ({ createPool }: typeof mariadb): Adapter => ({
  engine: 'mysql',
  driverError: ({ cause }) => cause,
  open(options, max) {
    const pool = createPool({
      minimumIdle: 0,
      acquireTimeout: 3_000,
      ...mariadbConfig(options),
      connectionLimit: max,
    })
    return {
      sql: (text) => pool.query(text),
      async transaction(work) {
        const connection = await pool.getConnection()
        try {
          await connection.beginTransaction()
          const result = await work((text) => connection.query(text))
          await connection.commit()
          return result
        } catch (error) {
          await connection.rollback()
          throw error
        } finally {
          await connection.release()
        }
      },
      close: () => pool.end(),
    }
  },
})

/** An adapter for single connections of the mariadb driver, which are opened one by one and reused. */
export const mariadbConnections = ({ createConnection }: typeof mariadb): Adapter => ({
  engine: 'mysql',
  open(options) {
    const config = mariadbConfig(options)
    const idle: Connection[] = []
    const withConnection = async <T>(work: (connection: Connection) => Promise<T>) => {
      let connection = idle.pop()
      while (connection && !connection.isValid()) connection = idle.pop()
      if (!connection) {
        connection = await createConnection(config)
        // Without a listener, a connection that the server closes ends the process.
        connection.on('error', () => {})
      }
      const used = connection
      return work(used).finally(() => idle.push(used))
    }
    return {
      sql: (text) => withConnection((connection) => connection.query(text)),
      transaction: (work) =>
        withConnection(async (connection) => {
          await connection.beginTransaction()
          const result = work((text) => connection.query(text))
          await result.then(
            () => connection.commit(),
            () => connection.rollback(),
          )
          return result
        }),
      async close() {
        for (const connection of idle.splice(0)) if (connection.isValid()) await connection.end()
      },
    }
  },
})
