import { once } from 'node:events'
import { retryConflicts } from '@rds-iam/core'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import knex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { dsqlClient, signDsql } from '../local/dsql-client'

interface Orders {
  orders: { id: number }
}

/** A database of one library. Its transaction inserts an order, then calls a function, then commits. */
interface Database {
  insert(id: number, beforeCommit: () => Promise<unknown>): Promise<void>
  close(): Promise<void>
}

const LIBRARIES: Record<string, (config: pg.PoolConfig) => Database> = {
  pg(config) {
    const pool = poolOf(config)
    return {
      async insert(id, beforeCommit) {
        const client = await pool.connect()
        try {
          await client.query('begin')
          await client.query('insert into orders values ($1)', [id])
          await beforeCommit()
          await client.query('commit')
        } catch (error) {
          await client.query('rollback').catch(() => {})
          throw error
        } finally {
          client.release()
        }
      },
      close: () => pool.end(),
    }
  },
  knex({ password, ...config }) {
    const connection = { ...config, password } as knex.Knex.PgConnectionConfig
    const log = { warn() {}, error() {} }
    const db = knex({ client: 'pg', connection, pool: { min: 0, max: 1 }, log })
    return {
      insert: (id, beforeCommit) =>
        db.transaction(async (trx) => {
          await trx('orders').insert({ id })
          await beforeCommit()
        }),
      close: () => db.destroy(),
    }
  },
  kysely(config) {
    const db = new Kysely<Orders>({ dialect: new PostgresDialect({ pool: poolOf(config) }) })
    return {
      insert: (id, beforeCommit) =>
        db.transaction().execute(async (trx) => {
          await trx.insertInto('orders').values({ id }).execute()
          await beforeCommit()
        }),
      close: () => db.destroy(),
    }
  },
}

/** A pool whose clients may lose their connection at any time. */
function poolOf(config: pg.PoolConfig): pg.Pool {
  return new pg.Pool(config).on('connect', (client) => void client.on('error', () => {}))
}

let rds: LocalRds
let admin: pg.Client

beforeAll(async () => {
  rds = await startLocalRds({ engine: 'dsql' })
  admin = await dsqlClient(rds)
  await admin.query('create table orders (id int)')
})

afterAll(async () => {
  await admin.end()
  await rds.close()
})

const stored = async () => (await admin.query('select id from orders')).rows as { id: number }[]

describe.each(Object.entries(LIBRARIES))('a transaction of %s', (_, open) => {
  let db: Database
  let attempts: number

  /** Inserts an order. Retries until it succeeds. */
  const insert = (id: number, beforeCommit = () => Promise.resolve<unknown>(undefined)) => {
    attempts = 0
    const attempt = () => {
      attempts++
      return db.insert(id, beforeCommit)
    }
    return retryConflicts(attempt, { baseDelayMs: 1 })
  }

  beforeAll(() => {
    const { host, port, user, database, ca } = rds
    db = open({ host, port, user, database, ssl: { ca }, max: 1, password: () => signDsql(rds, user) })
  })

  afterEach(async () => {
    await rds.configure({ conflicts: 0 })
    await admin.query('delete from orders')
  })

  afterAll(() => db.close())

  test.each(['OC000', 'OC001'] as const)('is retried after conflicts %s', async (conflictCode) => {
    await rds.configure({ conflicts: 2, conflictCode })
    await insert(1)
    expect(attempts).toBe(3)
    expect(await stored()).toEqual([{ id: 1 }])
  })

  test('fails with the last conflict', async () => {
    await rds.configure({ conflicts: 9, conflictCode: 'OC000' })
    await expect(insert(2)).rejects.toMatchObject({
      code: '40001',
      message: expect.stringContaining('OC000'),
    })
    expect(attempts).toBe(5)
    expect(await stored()).toEqual([])
  })

  test('is not retried when the connection is lost before the commit is answered', async () => {
    const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'`
    await expect(insert(3, () => admin.query(terminate))).rejects.toThrow(/terminat|connection error/i)
    expect(attempts).toBe(1)
    // knex rejects before it knows that its connection was lost.
    while (rds.openConnections > 1) await once(rds.events, 'disconnection')
    await insert(4)
    expect(await stored()).toEqual([{ id: 4 }])
  })
})
