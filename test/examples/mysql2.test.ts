import { mysql2Config } from '@rds-iam/core/mysql2'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import { expect } from 'vitest'
import { testAdapter } from '../contract/contract'
import { testReplication } from '../contract/replication'
import { testExample } from './run-example'

testExample('mysql2', ['mysql'], ({ logins }) => expect(logins.mysql).toHaveLength(5))

testAdapter('mysql2 PoolCluster', {
  engine: 'mysql',
  open(options, max) {
    // By default a cluster tries a refused login five times, then removes the endpoint.
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

testReplication('mysql2 PoolCluster', {
  engine: 'mysql',
  open(writer, reader) {
    const cluster = mysql.createPoolCluster()
    const { host, port } = reader
    cluster.add('writer', mysql2Config(writer))
    cluster.add('reader', { ...mysql2Config(writer), host, port })
    const on = (node: string) => async (sql: string) =>
      (await cluster.of(node).query<RowDataPacket[]>(sql))[0]
    return { write: on('writer'), read: on('reader'), close: () => cluster.end() }
  },
})
