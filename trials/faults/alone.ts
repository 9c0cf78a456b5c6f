import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import type mysql from 'mysql2'
import type pg from 'pg'
import type { Adapter, Database, RunSql } from '../../test/contract/adapter'

/** A connection without a pool. */
interface Connection {
  sql: RunSql
  end(): Promise<void>
}

/** An adapter for a single connection of pg, in any version. */
export const pgClient = ({ Client }: typeof pg): Adapter => ({
  engine: 'postgres',
  open: (options) =>
    oneConnection(async () => {
      const client = new Client(pgConfig(options))
      const end = () => client.end()
      await client.connect().catch(async (error: unknown) => {
        await end()
        throw error
      })
      // Without a listener, a client that loses its connection from now on ends the process.
      client.on('error', () => {})
      return { sql: async (sql) => (await client.query(sql)).rows as Record<string, unknown>[], end }
    }),
})

/** An adapter for a single connection of mysql2, in any version. */
export const mysql2Connection = ({ createConnection }: typeof mysql): Adapter => ({
  engine: 'mysql',
  open: (options) =>
    oneConnection(
      () =>
        new Promise((resolve, reject) => {
          const connection = createConnection(mysql2Config(options))
          const sql: RunSql = (text) =>
            new Promise((rows, failed) => {
              connection.query<mysql.RowDataPacket[]>(text, (error, result) =>
                error ? failed(error) : rows(result),
              )
            })
          const end = () => new Promise<void>((ended) => connection.end(() => ended()))
          connection.connect((error) => {
            if (error) {
              connection.destroy()
              reject(error)
              return
            }
            connection.on('error', () => {})
            resolve({ sql, end })
          })
        }),
    ),
})

/** Opens a connection if none is open, and closes it when a query fails. */
function oneConnection(connect: () => Promise<Connection>): Database {
  let open: Connection | undefined
  const close = async () => {
    const closing = open
    open = undefined
    await closing?.end()
  }
  const sql: RunSql = async (text) => {
    open ??= await connect()
    return open.sql(text).catch(async (error: unknown) => {
      await close()
      throw error
    })
  }
  return { sql, transaction: (work) => work(sql), close }
}
