import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Adapter, Database } from '../contract/adapter'
import { drizzleMysql2, drizzlePg } from '../contract/drizzle'
import { nextMessages, ours, rejection } from '../contract/outcome'
import { mikroOrm7Mysql2, mikroOrm7Pg } from '../contract/mikro-orm-7'
import { sequelize6Mysql2, sequelize6Pg } from '../contract/sequelize-6'
import { sequelize7Mysql2, sequelize7Pg } from '../contract/sequelize-7'
import { typeormMysql2, typeormPg } from '../contract/typeorm'
import { openConnections, startTestCluster, type TestCluster } from './test-cluster'

const orms: [string, Adapter][] = [
  ['TypeORM with pg', typeormPg],
  ['Sequelize 6 with pg', sequelize6Pg],
  ['Sequelize 7 with pg', sequelize7Pg],
  ['Drizzle with pg', drizzlePg],
  ['MikroORM with pg', mikroOrm7Pg],
  ['TypeORM with mysql2', typeormMysql2],
  ['Sequelize 6 with mysql2', sequelize6Mysql2],
  ['Sequelize 7 with mysql2', sequelize7Mysql2],
  ['Drizzle with mysql2', drizzleMysql2],
  ['MikroORM with mysql2', mikroOrm7Mysql2],
]

const INSERT = 'insert into t values (1)'
const POOL = 3

describe.each(['postgres', 'mysql'] as const)('a %s cluster', (engine) => {
  const cases = orms.filter(([, adapter]) => adapter.engine === engine)
  let test: TestCluster
  let db: Database
  beforeAll(async () => {
    test = await startTestCluster(engine, 2)
    db = (engine === 'postgres' ? drizzlePg : drizzleMysql2).open(test.options, 1)
    await db.sql('create table t (n int)')
    await db.close()
  })
  // Sequelize prints that it cannot roll back on a connection that was lost.
  beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))
  afterEach(async () => {
    await db.close()
    for (const instance of test.cluster.instances) await test.allClosed(instance)
    test.dns.update()
  })
  afterAll(() => test.close())

  const write = () => db.sql(INSERT)
  const transaction = () => db.transaction((sql) => sql(INSERT))
  const writes = [write, transaction, write, transaction, write, transaction]

  it.each(cases)('%s loses only what was in flight when the writer died', async (name, orm) => {
    db = orm.open(test.options, POOL)
    await openConnections(db, POOL)
    const old = test.writer()
    const sleep = engine === 'postgres' ? 'select pg_sleep(60)' : 'select sleep(60)'
    let begin: () => void = () => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const sleepInTransaction = () =>
      db.transaction(async (sql) => {
        await sql('select 1')
        begin()
        await sql(sleep)
      })
    // MikroORM 7 never closes a connection of pg that was lost in a transaction, also without rds-iam.
    const isClosed = name !== 'MikroORM with pg'
    if (!isClosed) begin()
    const inTransaction = isClosed ? sleepInTransaction() : db.sql(sleep)
    const inFlight = [rejection(inTransaction), rejection(db.sql(sleep))]
    // Drizzle does not give back a connection that is lost during `begin`.
    await begun
    // mysql2 reports a lost connection without a pool of its own only when it is idle.
    const isReported = engine === 'postgres' || !name.startsWith('Sequelize')
    const lost = nextMessages('rds-iam:connection.lost', isReported ? POOL : POOL - inFlight.length)
    await test.cluster.kill()
    for (const error of await Promise.all(inFlight)) expect(ours(error)).toBe(undefined)
    await lost

    const waiting = Promise.all(writes.map((run) => run()))
    await test.cluster.promote()
    await waiting
    // DNS still leads to the old writer, which is a reader now.
    await test.cluster.restart(old.id)
    await Promise.all(writes.map((run) => run()))
    expect(old.endpoint.openConnections).toBe(0)
  })

  // Sequelize 7 with pg rejects unhandled when a connection that it sets up is lost, whatever the reason.
  const ready = cases.filter(([name]) => name !== 'Sequelize 7 with pg')
  it.each(ready)('%s gets one error from each connection to a reader', async (_, orm) => {
    await test.cluster.switchover()
    db = orm.open(test.options, POOL)
    const results = await Promise.allSettled(Array.from({ length: POOL }, transaction))
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
    expect(errors).not.toEqual([])
    for (const error of errors) {
      const refusal = orm.driverError?.(error) ?? error
      if (engine === 'postgres') expect(ours(refusal)?.code).toBe('NOT_WRITER')
      else expect(refusal).toMatchObject({ errno: 1290 })
    }
    await Promise.all(writes.map((run) => run()))
  })
})
