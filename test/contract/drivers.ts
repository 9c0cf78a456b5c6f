import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Adapter } from './adapter'

/** The Pool of pg, as an application uses it. */
export const pgPool: Adapter = {
  engine: 'postgres',
  open(options, max) {
    const pool = new pg.Pool({ ...pgConfig(options), max })
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
}

/** The pool of mysql2/promise, as an application uses it. */
export const mysql2Pool: Adapter = {
  engine: 'mysql',
  open(options, max) {
    const pool = mysql.createPool({ ...mysql2Config(options), connectionLimit: max })
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
}
