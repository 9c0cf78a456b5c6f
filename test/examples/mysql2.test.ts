import { mysql2Config } from '@rds-iam/core/mysql2'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import { expect } from 'vitest'
import { testAdapter } from '../contract/contract'
import { testExample } from './run-example'

testExample('mysql2', ['mysql'], ({ logins }) => expect(logins.mysql).toHaveLength(5))

testAdapter('mysql2 PoolCluster', {
  engine: 'mysql',
  open(options, max) {
    // By itself a cluster tries a refused login five times, and then gives the endpoint up.
    const cluster = mysql.createPoolCluster({ canRetry: false })
    cluster.add('writer', { ...mysql2Config(options), connectionLimit: max })
    return {
      sql: async (sql) => (await cluster.of('*').query<RowDataPacket[]>(sql))[0],
      async transaction(work) {
        const connection = await cluster.getConnection('writer')
        try {
          await connection.beginTransaction()
          const result = await work(async (sql) => (await connection.query<RowDataPacket[]>(sql))[0])
          await connection.commit()
          return result
        } catch (error) {
          await connection.rollback()
          throw error
        } finally {
          connection.release()
        }
      },
      close: () => cluster.end(),
    }
  },
})
