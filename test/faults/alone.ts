import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import type mysql from 'mysql2'
import type pg from 'pg'
import type { Adapter, Database, RunSql } from '../contract/adapter'

/** A connection that the application opened itself. */
interface Connection {
  sql: RunSql
  end(): Promise<void>
}

/** One connection of pg, in whichever version, as an application without a pool uses it. */
export const pgClient = ({ Client }: typeof pg): Adapter => ({
  engine: 'postgres',
  open: (options) =>
    oneConnection(async () => {
      const client = new Client(pgConfig(options))
      // Without a listener a client ends the process when it loses its server.
      client.on('error', () => {})
      const end = () => client.end()
      await client.connect().catch(async (error: unknown) => {
        await end()
        throw error
      })
      return { sql: async (sql) => (await client.query(sql)).rows as Record<string, unknown>[], end }
    }),
})

/** One connection of mysql2, in whichever version, as an application without a pool uses it. */
export const mysql2Connection = ({ createConnection }: typeof mysql): Adapter => ({
  engine: 'mysql',
  open: (options) =>
    oneConnection(
      () =>
        new Promise((resolve, reject) => {
          const connection = createConnection(mysql2Config(options))
          connection.on('error', () => {})
          const sql: RunSql = (text) =>
            new Promise((rows, failed) => {
              connection.query<mysql.RowDataPacket[]>(text, (error, result) =>
                error ? failed(error) : rows(result),
              )
            })
          const end = () => new Promise<void>((ended) => connection.end(() => ended()))
          connection.connect((error) => {
            if (!error) return resolve({ sql, end })
            connection.destroy()
            reject(error)
          })
        }),
    ),
})

/** Opens a connection when there is none, and gives one up with which a query failed. */
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
