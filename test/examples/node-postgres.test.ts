import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { expect } from 'vitest'
import { testAdapter } from '../contract/contract'
import { testExample } from './run-example'

testExample('node-postgres', ['postgres'], ({ logins }) => expect(logins.postgres).toHaveLength(2))

testAdapter('pg-cursor', {
  engine: 'postgres',
  open(options, max) {
    const pool = new pg.Pool({ ...pgConfig(options), max })
    const read = async (client: pg.PoolClient, sql: string) => {
      const cursor = client.query(new Cursor<Record<string, unknown>>(sql))
      const rows = await cursor.read(100)
      await cursor.close()
      return rows
    }
    const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>) => {
      const client = await pool.connect()
      return work(client).finally(() => client.release())
    }
    return {
      sql: (sql) => withClient((client) => read(client, sql)),
      transaction: (work) =>
        withClient(async (client) => {
          await client.query('begin')
          const result = work((sql) => read(client, sql))
          await result.then(
            () => client.query('commit'),
            () => client.query('rollback'),
          )
          return result
        }),
      close: () => pool.end(),
    }
  },
})
