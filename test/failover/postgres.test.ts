import type { ConnectionRetiredEvent, WriterMovedEvent } from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import { once, type EventEmitter } from 'node:events'
import { Client } from 'pg'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Adapter, Database } from '../contract/adapter'
import { adapters } from '../contract/adapters'
import { postgresJs } from '../contract/drivers'
import { nextMessages, ours, rejection } from '../contract/outcome'
import { runProgram } from '../core/child-program'
import { writeClusterHosts } from '../support/cluster-hosts'
import { openConnections, record, startTestCluster, type TestCluster } from './test-cluster'

const [pg, knex, kysely] = await Promise.all([adapters.pg(), adapters.knex(), adapters.kysely()])

const pools: [string, Adapter][] = [
  ['pg', pg['pg']],
  ['pg 8.11', pg['pg 8.11']],
  ['knex with pg', knex['knex with pg']],
  ['kysely with pg', kysely['kysely PostgresDialect']],
  ['postgres.js', postgresJs(postgres, 1)],
]

/** The other pools get their connections from pg's Client, too. */
const silent = pools.filter(([name]) => ['pg', 'knex with pg', 'postgres.js'].includes(name))

const INSERT = 'insert into t values (1)'

/** The superuser, which may replicate. */
const ADMIN = 'postgres'

const FREEZES = `
process.env.TEST_HOSTS = given.hosts
Object.assign(process.env, given.env)
await import('./support/hosts.cjs')
const { default: pg } = await import('pg')
const { pgConfig } = await import('@rds-iam/core/pg')
const pool = new pg.Pool({ ...pgConfig(given.options), max: 1 })
pool.on('error', () => {})
console.log(process.pid)
await pool.query('${INSERT}')
const answer = pool.query('select pg_sleep(0.5)')
setTimeout(() => console.log('frozen'), 100)
await answer
const { now } = Date
Date.now = () => now() + 300_000
await pool.query('${INSERT}')
const lost = pool.query('select pg_sleep(60)').catch(() => {})
console.log('waiting')
await lost
console.log('lost')
await pool.query('${INSERT}')
console.log('written')
setTimeout(() => console.log('frozen again'))
await new Promise((resolve) => setTimeout(resolve, 100))
// The process may not know yet that it has lost its connections.
await pool.query('${INSERT}').catch(() => pool.query('${INSERT}'))
console.log('written')
await pool.end()
`

/** For tests that open no other database. */
const CLOSED = { close: () => Promise.resolve() } as Database

describe('a PostgreSQL cluster', () => {
  let test: TestCluster
  let db: Database
  const moved = record<WriterMovedEvent>('rds-iam:writer.moved')
  const retired = record<ConnectionRetiredEvent>('rds-iam:connection.retired')
  beforeAll(async () => {
    test = await startTestCluster('postgres', 3, { users: ['jane_doe', ADMIN] })
    const owner = pg['pg'].open(test.options, 1)
    await owner.sql('create table t (n int)')
    await owner.close()
    db = CLOSED
    await test.allClosed(test.writer())
  })
  beforeEach(() => {
    moved.messages.length = 0
    retired.messages.length = 0
  })
  afterEach(async () => {
    await db.close()
    db = CLOSED
    for (const instance of test.cluster.instances) await test.allClosed(instance)
    test.dns.update()
  })
  afterAll(async () => {
    moved.stop()
    retired.stop()
    await test.close()
  })

  const rowCount = async () => Number((await db.sql('select count(*) from t'))[0]?.['count'])
  const loginCounts = () => test.cluster.instances.map(({ endpoint }) => endpoint.logins.length)

  it.each(pools)('writes again when the writer died, with %s', async (_, adapter) => {
    db = adapter.open(test.options, 3)
    await openConnections(db, 3)
    const rows = await rowCount()
    const before = loginCounts()
    const old = test.writer()
    const inFlight = rejection(db.sql('select pg_sleep(60)'))
    const lost = nextMessages('rds-iam:connection.lost', 3)
    await test.cluster.kill()
    await inFlight
    await lost

    // These wait for the new writer. DNS leads to the old one until the end of the test.
    const writes = Promise.all(Array.from({ length: 6 }, () => db.sql(INSERT)))
    await test.cluster.promote()
    await writes
    const writer = test.writer()
    await test.cluster.restart(old.id)
    await db.sql(INSERT)
    expect(await rowCount()).toBe(rows + 7)
    expect(moved.messages).toMatchObject([{ cluster: { host: test.cluster.host }, to: writer.host }])
    const logins = loginCounts().map((count, at) => count - (before[at] ?? 0))
    for (const [at, instance] of test.cluster.instances.entries())
      // The pool's three, and the search's: twice if the first did not answer within a second.
      expect(logins[at]).toBeLessThanOrEqual(instance.isWriter ? 5 : 2)
  })

  it.each(silent)('closes the connections to a silent writer, with %s', async (_, adapter) => {
    db = adapter.open(test.options, 3)
    await openConnections(db, 3)
    const rows = await rowCount()
    const thaw = await test.cluster.freeze()
    const writes = Array.from({ length: 6 }, () => db.sql(INSERT))
    const results = Promise.allSettled(writes)
    await test.cluster.promote()
    const failures = (await results).flatMap((result) =>
      result.status === 'rejected' ? [result.reason] : [],
    )
    expect(failures.map((error) => ours(error)?.code)).toEqual(failures.map(() => 'WRITER_MOVED'))
    expect(retired.messages.map(({ reason }) => reason)).toEqual(Array(3).fill('WRITER_MOVED'))
    await db.sql(INSERT)
    await thaw()
    expect(await rowCount()).toBe(rows + writes.length - failures.length + 1)
  })

  it.each(pools)('leaves a reader that the name leads to, with %s', async (name, adapter) => {
    // Without open connections, the process does not notice that the writer changes.
    await test.cluster.switchover()
    db = adapter.open(test.options, 1)
    if (name !== 'postgres.js') expect(ours(await rejection(db.sql(INSERT)))?.code).toBe('NOT_WRITER')
    await db.sql(INSERT)
    expect(retired.messages.map(({ reason }) => reason)).toEqual(['NOT_WRITER'])
    expect(moved.messages).toMatchObject([{ to: test.writer().host }])
  })

  it.each(pools.filter(([name]) => ['pg', 'postgres.js'].includes(name)))(
    'does not search after the server ended an idle session, with %s',
    async (_, adapter) => {
      db = adapter.open(test.options, 1)
      const lost = nextMessages('rds-iam:connection.lost', 1)
      await db.sql('set idle_session_timeout = 50')
      await lost
      const logins = test.logins()
      await db.sql(INSERT)
      expect(test.logins()).toBe(logins + 1)
    },
  )

  it.each(pools)(
    "keeps a connection when the application's own transaction is read-only, with %s",
    async (_, adapter) => {
      db = adapter.open(test.options, 1)
      const pid = async () => (await db.sql('select pg_backend_pid() as pid'))[0]?.['pid']
      const first = await pid()
      const failure = await rejection(
        db.transaction(async (sql) => {
          await sql('set transaction read only')
          await sql(INSERT)
        }),
      )
      expect(failure.code).toBe('25006')
      expect(await pid()).toBe(first)
      expect(retired.messages).toEqual([])
    },
  )

  it('does not look at the server of a replication stream that is silent', async () => {
    const options = { ...test.options, user: ADMIN }
    const [client, sql] = [
      new Client({ ...pgConfig(options), replication: 'database' } as object),
      postgres({
        ...postgresConfig(options),
        connection: { replication: 'database' } as object,
        fetch_types: false,
      }),
    ]
    await client.connect()
    const { rows } = await client.query('IDENTIFY_SYSTEM')
    const start = `START_REPLICATION PHYSICAL ${rows[0].xlogpos}`
    const ended = rejection(client.query(start))
    const { connection } = client as unknown as { connection: EventEmitter }
    await once(connection, 'replicationStart')
    const stream = await sql.unsafe(start).writable()
    // A standby's reply, which the server does not answer.
    stream.write(Buffer.concat([Buffer.from('r'), Buffer.alloc(33)]))

    const clock = pg['pg'].open({ ...test.options, iam: { ...test.options.iam, target: 'any' } }, 1)
    await clock.sql('select 1')
    const logins = test.logins()
    await clock.sql('select pg_sleep(2.5)')
    const looks = test.logins() - logins
    stream.destroy()
    await Promise.all([client.end(), sql.end({ timeout: 0 }), clock.close()])
    expect(looks).toBe(0)
    await ended
  })

  it('lets a program continue after a freeze and after failovers, and exit by itself', async () => {
    const hosts = writeClusterHosts(test.cluster)
    const logins = test.logins()
    const old = test.writer()
    let pid = 0
    const steps: Record<string, () => void> = {
      async frozen() {
        process.kill(pid, 'SIGSTOP')
        // Longer than the time after which a silent server is looked at.
        await new Promise((resolve) => setTimeout(resolve, 2_500))
        process.kill(pid, 'SIGCONT')
      },
      async waiting() {
        expect(test.logins()).toBe(logins + 1)
        await test.cluster.kill()
      },
      lost: () => test.cluster.promote(),
      async 'frozen again'() {
        process.kill(pid, 'SIGSTOP')
        await test.cluster.restart(old.id)
        await test.cluster.failover()
        process.kill(pid, 'SIGCONT')
      },
    }
    const { host, port, user, database } = test.options
    const options = { host, port, user, database, ssl: { ca: test.cluster.ca } }
    const given = { hosts: hosts.file, env: test.cluster.env, options }
    const end = await runProgram(FREEZES, given, (line) => {
      pid ||= Number(line)
      steps[line]?.()
    })
    hosts.remove()
    const stdout = `${pid}\nfrozen\nwaiting\nlost\nwritten\nfrozen again\nwritten\n`
    expect(end).toEqual({ status: 0, stdout, stderr: '' })
  })
})
