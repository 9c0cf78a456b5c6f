import type { ConnectionRetiredEvent } from '@rds-iam/core'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { install } from '@sinonjs/fake-timers'
import mariadb from 'mariadb'
import oldestMariadb from 'mariadb-3.4'
import { createConnection, type Connection } from 'mysql2'
import mysql from 'mysql2/promise'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Adapter, Database, LoginOptions } from '../contract/adapter'
import { adapters } from '../contract/adapters'
import { mariadbConnections, mariadbPool } from '../contract/drivers'
import { nextMessages, ours, rejection } from '../contract/outcome'
import { openConnections, record, startTestCluster, type TestCluster } from './test-cluster'

const [mysql2, knex, kysely] = await Promise.all([adapters.mysql2(), adapters.knex(), adapters.kysely()])
const mariadb34 = oldestMariadb as unknown as typeof mariadb

/** The pool of the mariadb driver. Its time limit for a connection, 3 s in the contract, may be too short for a promotion. */
const patientMariadb: Adapter = {
  ...mariadbPool(mariadb),
  open: (options, max) =>
    mariadbPool(mariadb).open({ ...options, acquireTimeout: 20_000 } as LoginOptions, max),
}

const drivers: [string, Adapter][] = [
  ['mysql2', mysql2['mysql2']],
  ['mysql2 3.15', mysql2['mysql2 3.15']],
  ['knex with mysql2', knex['knex with mysql2']],
  ['kysely with mysql2', kysely['kysely MysqlDialect']],
  ['mariadb', patientMariadb],
  // Its pool opens connections in the background, or none at all.
  ['mariadb 3.4', mariadbConnections(mariadb34)],
]

const READ_ONLY = /--read-only option so it cannot execute this statement/
const INSERT = 'insert into t values (1)'

describe('after the writer of a MySQL cluster has changed', () => {
  let test: TestCluster
  let retired: ReturnType<typeof record<ConnectionRetiredEvent>>
  beforeAll(async () => {
    test = await startTestCluster('mysql', 2)
    const db = mysql2['mysql2'].open(test.options, 1)
    await db.sql('create table t (n int)')
    await db.close()
    retired = record('rds-iam:connection.retired')
  })
  const databases: Database[] = []
  function open(adapter: Adapter, max: number, target?: 'any' | 'reader'): Database {
    const iam = { ...test.options.iam, ...(target && { target }) }
    const db = adapter.open({ ...test.options, iam }, max)
    databases.push(db)
    return db
  }
  afterEach(async () => {
    await Promise.all(databases.splice(0).map((db) => db.close()))
    retired.messages.length = 0
  })
  afterAll(() => test.close())

  const reasons = () => retired.messages.map(({ reason }) => reason)

  it.each(drivers)(
    '%s gets one read-only error from each connection to a reader, and then uses the writer',
    async (_, adapter) => {
      const reader = test.writer()
      await test.cluster.switchover()
      const db = open(adapter, 2)
      await openConnections(db, 2)
      const errors: Error[] = []
      const inTransaction = await rejection(
        db.transaction(async (sql) => {
          const error = await rejection(sql(INSERT))
          // The transaction stays open, and the other connection fails meanwhile.
          expect(await sql('select 1 as one')).toEqual([{ one: 1 }])
          errors.push(await rejection(db.sql(INSERT)))
          expect(await sql('select 2 as two')).toEqual([{ two: 2 }])
          throw error
        }),
      )
      errors.push(inTransaction)
      for (const error of errors) {
        expect(error).toMatchObject({ errno: 1290 })
        expect(error.message).toMatch(READ_ONLY)
        expect(ours(error)).toBe(undefined)
      }

      await Promise.all([1, 2, 3, 4].map(() => db.sql(INSERT)))
      await test.allClosed(reader)
      expect(reasons()).toEqual(['NOT_WRITER', 'NOT_WRITER'])
    },
  )

  it.each([
    ['mysql2 3.15', mysql2['mysql2 3.15']],
    ['mariadb', patientMariadb],
  ])('%s does not hand a connection to a reader to the queries that wait for it', async (_, adapter) => {
    await test.cluster.switchover()
    const db = open(adapter, 1)
    const results = await Promise.allSettled([1, 2, 3].map(() => db.sql(INSERT)))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(reasons()).toEqual(['NOT_WRITER'])
  })

  it.each(drivers.filter(([name]) => name !== 'kysely with mysql2'))(
    '%s loses only what was in flight when the writer died',
    async (name, adapter) => {
      const old = test.writer()
      const db = open(adapter, 3)
      await openConnections(db, 3)
      const inFlight = rejection(db.sql('select sleep(60)'))
      // mysql2 reports a lost connection without a pool only when it is idle.
      const lost = nextMessages('rds-iam:connection.lost', name.startsWith('knex') ? 2 : 3)
      await test.cluster.kill()
      expect(ours(await inFlight)).toBe(undefined)
      await lost
      const loginsBefore = test.logins()

      const waiting = db.sql(INSERT)
      await test.cluster.promote()
      await waiting
      await Promise.all([1, 2, 3].map(() => db.sql(INSERT)))
      await test.cluster.restart(old.id)
      await Promise.all([1, 2, 3].map(() => db.sql(INSERT)))
      expect(old.endpoint.openConnections).toBe(0)
      // The pool's three, and one of the search for each instance.
      expect(test.logins() - loginsBefore).toBeLessThanOrEqual(5)
      expect(reasons()).toEqual([])
    },
  )

  it.each([
    ['mysql2', mysql2['mysql2']],
    ['mariadb', patientMariadb],
  ])('%s closes connections that hang when the writer is silent', async (_, adapter) => {
    const db = open(adapter, 2)
    await openConnections(db, 2)
    const thaw = await test.cluster.freeze()
    const hanging = [rejection(db.sql(INSERT)), rejection(db.sql(INSERT))]
    await test.cluster.promote()
    for (const error of await Promise.all(hanging))
      expect(ours(error)).toMatchObject({ code: 'WRITER_MOVED' })
    await db.sql(INSERT)
    await thaw()
    expect(reasons()).toEqual(['WRITER_MOVED', 'WRITER_MOVED'])
  })

  it('closes a connection without a pool and without listeners', async () => {
    await test.cluster.switchover()
    const first = await mysql.createConnection(mysql2Config(test.options))
    const second = await mariadb.createConnection(mariadbConfig(test.options))
    const insert = [() => first.query(INSERT), () => second.query(INSERT)]
    const closed = nextMessages('rds-iam:connection.retired', 2)
    for (const run of insert) expect(await rejection(run())).toMatchObject({ errno: 1290 })
    await closed
    for (const run of insert) expect((await rejection(run())).message).toMatch(/clos/)
  })

  it('does not look at the server while connections are idle', async () => {
    for (const adapter of [mysql2['mysql2'], patientMariadb]) await openConnections(open(adapter, 2), 2)
    const db = open(mysql2['mysql2'], 1, 'any')
    await db.sql('select 1')
    const loginsBefore = test.logins()
    await db.sql('select sleep(2.5)')
    expect(test.logins()).toBe(loginsBefore)
  })

  it.each([
    ['mysql2', mysql2['mysql2']],
    ['mariadb', patientMariadb],
  ])('%s keeps a connection to a reader when the application wants one', async (_, adapter) => {
    const reader = test.cluster.instances.find(({ isWriter }) => !isWriter)
    const db = open(adapter, 2, 'reader')
    await openConnections(db, 2)
    expect(reader?.endpoint.openConnections).toBe(2)
    expect(await rejection(db.sql(INSERT))).toMatchObject({ errno: 1290 })
    expect(reasons()).toEqual([])
  })

  it('verifies the name of each reader when older versions of mysql2 open connections at once', async () => {
    const added = await test.cluster.addInstance()
    const clock = install({ toFake: ['Date'], now: Date.now() + 31_000, shouldAdvanceTime: true })
    try {
      const db = open(mysql2['mysql2 3.15'], 6, 'reader')
      await openConnections(db, 6)
      expect(added.endpoint.openConnections).toBe(3)
    } finally {
      clock.uninstall()
      await test.cluster.removeInstance(added.id)
    }
  })

  it('searches after a connection was not open within the time limit of mysql2', async () => {
    await open(mysql2['mysql2'], 1).sql(INSERT)
    const thaw = await test.cluster.freeze()
    const late = mysql.createConnection({ ...mysql2Config(test.options), connectTimeout: 500 })
    expect(await rejection(late)).toMatchObject({ code: 'ETIMEDOUT' })
    await test.cluster.promote()
    await open(mysql2['mysql2'], 1).sql(INSERT)
    await thaw()
  })

  describe('and the application destroys a connection of mysql2', () => {
    // The first write reaches a reader. From then on the writer is known by its own name.
    beforeAll(async () => {
      await test.cluster.switchover()
      const db = open(mysql2['mysql2'], 1)
      await rejection(db.sql(INSERT))
      await db.sql(INSERT)
    })

    const streamOf = (connection: Connection) => (connection as unknown as { stream: Socket }).stream
    const greeted = (connection: Connection) => once(streamOf(connection), 'data')

    it.each([
      ['before it is connected', 0, async () => {}],
      ['when it is connected', 0, (connection: Connection) => once(streamOf(connection), 'connect')],
      // mysql2 shows us nothing then: it looks as if TLS had failed.
      ['during the TLS handshake', 1, greeted],
      [
        'while its token is made',
        0,
        async (connection: Connection) => {
          await greeted(connection)
          await greeted(connection)
        },
      ],
    ])('%s, looks at the server %i times', async (_, looks, moment) => {
      let release = () => {}
      const identity = test.options.iam?.credentials as () => Promise<never>
      const credentials = async () => {
        await new Promise<void>((resolve) => (release = resolve))
        return identity()
      }
      const connection = createConnection(mysql2Config({ ...test.options, iam: { credentials } }))
      connection.on('error', () => {})
      const socket = streamOf(connection)
      const closed = new Promise((resolve) => socket.once('close', resolve))
      await moment(connection)
      connection.destroy()
      await closed
      release()
      expect(connection.config.host).toBe(test.writer().host)

      const logins = test.logins()
      await open(mysql2['mysql2'], 1).sql(INSERT)
      expect(test.logins()).toBe(logins + 1 + looks)
    })
  })

  it("does not insist on an instance's name that is not in the certificate", async () => {
    const { cluster, dns } = test
    const db = open(mysql2['mysql2'], 1)
    await db.sql(INSERT)
    const { endpoints } = test.writer().endpoint.configuration
    for (const { endpoint } of cluster.instances) await endpoint.configure({ endpoints: [cluster.host] })
    const old = test.writer()
    const inFlight = rejection(db.sql('select sleep(60)'))
    await cluster.kill()
    await inFlight
    await cluster.promote()
    dns.update()
    // The second attempt may begin before the socket of the first is closed.
    const attempts = 3
    let failures = 0
    for (; failures < attempts; failures++) {
      const failure = await db.sql(INSERT).then(
        () => undefined,
        (error: Error) => error,
      )
      if (!failure) break
      expect(failure.message).toContain("does not match certificate's altnames")
    }
    expect(failures).toBeLessThan(attempts)
    await cluster.restart(old.id)
    for (const { endpoint } of cluster.instances) await endpoint.configure({ endpoints })
  })
})
