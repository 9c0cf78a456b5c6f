import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import type mysql from 'mysql2'
import type pg from 'pg'
import type { Adapter, Database, RunSql } from '../../test/contract/adapter'

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
      const end = () => client.end()
      await client.connect().catch(async (error: unknown) => {
        await end()
        throw error
      })
      // From now on a client that loses its server ends the process, unless somebody listens.
      client.on('error', () => {})
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
