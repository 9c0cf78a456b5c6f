import type { WriterMovedEvent } from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import { Client, Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { nextMessage, ours, rejection } from '../contract/outcome'
import { loginCounts, record, startTestCluster, type TestCluster } from './test-cluster'

const INSERT = 'insert into t values (1)'

let test: TestCluster
let pool: Pool
const moved = record<WriterMovedEvent>('rds-iam:writer.moved')
beforeEach(() => {
  moved.messages.length = 0
})
afterAll(() => {
  moved.stop()
})

function open(options: object = {}): Pool {
  pool = new Pool({ ...pgConfig({ ...test.options, ...options }), max: 4 })
  return pool
}

async function start(...options: Parameters<typeof startTestCluster>): Promise<void> {
  test = await startTestCluster(...options)
  await open().query('create table t (n int)')
}

/** Closes the pool, and waits until the servers know. */
async function closePool(): Promise<void> {
  await pool.end()
  for (const instance of test.cluster.instances) await test.allClosed(instance)
}

/** The writer dies while a query runs, and a reader becomes the writer while a write waits. */
async function failOver(to?: string): Promise<void> {
  const inFlight = rejection(pool.query('select pg_sleep(60)'))
  await test.cluster.kill()
  await inFlight
  const write = pool.query(INSERT)
  await test.cluster.promote(to)
  await write
}

describe('a cluster of three instances', () => {
  beforeAll(() => start('postgres', 3))
  beforeEach(() => open())
  afterEach(async () => {
    await closePool()
    test.dns.update()
  })
  afterAll(() => test.close())

  it('costs nothing while all is well', async () => {
    const before = loginCounts(test)
    const lookups = test.dns.lookups.length
    await Promise.all([1, 2, 3, 4].map(() => pool.query(INSERT)))
    expect(loginCounts(test, before)).toEqual([4, 0, 0])
    expect(test.dns.lookups.slice(lookups)).toEqual(Array(4).fill(test.cluster.host))
  })

  it('looks at the writer once when a query takes long, and lets the query run', async () => {
    const before = loginCounts(test)
    const { rows } = await pool.query('select pg_sleep(2.5), 1 as one')
    expect(rows).toMatchObject([{ one: 1 }])
    expect(loginCounts(test, before)).toEqual([2, 0, 0])
    expect(moved.messages).toEqual([])
  })

  it('rejects one write when a process starts while DNS leads to a reader', async () => {
    const [, reader] = test.cluster.instances
    test.dns.set(test.cluster.host, reader?.address)
    expect(ours(await rejection(pool.query(INSERT)))?.code).toBe('NOT_WRITER')
    await pool.query(INSERT)
    expect(moved.messages).toMatchObject([{ to: test.writer().host }])
  })

  it('ignores DNS that changes after the writer was found', async () => {
    await pool.query(INSERT)
    for (const { address } of test.cluster.instances) {
      test.dns.set(test.cluster.host, address)
      await Promise.all([1, 2, 3, 4].map(() => pool.query(INSERT)))
      await closePool()
      open()
    }
  })

  it('follows two failovers and the way back', async () => {
    const [first, second, third] = test.cluster.instances
    await failOver(second?.id)
    await failOver(third?.id)
    await test.cluster.restart(first?.id)
    await failOver(first?.id)
    await test.cluster.restart(second?.id)
    await test.cluster.restart(third?.id)
    expect(moved.messages.map(({ to }) => to)).toEqual([second?.host, third?.host, first?.host])
  })

  it('follows an orderly switchover', async () => {
    await pool.query(INSERT)
    const lost = nextMessage('rds-iam:connection.lost')
    await test.cluster.switchover()
    await lost
    await pool.query(INSERT)
    expect(moved.messages).toMatchObject([{ to: test.writer().host }])
  })

  it('finds the writer while DNS leads to each instance in turn', async () => {
    const addresses = test.cluster.instances.map(({ address }) => address)
    test.dns.set(test.cluster.host, ...addresses)
    test.dns.set(test.cluster.readerHost, ...addresses.toReversed())
    const old = test.writer()
    await failOver()
    await test.cluster.restart(old.id)
    for (let round = 0; round < addresses.length; round++) {
      await Promise.all([1, 2, 3, 4].map(() => pool.query(INSERT)))
      await closePool()
      open()
    }
    expect(moved.messages).toMatchObject([{ to: test.writer().host }])
  })

  it('finds an instance that was added', async () => {
    const added = await test.cluster.addInstance()
    const old = test.writer()
    await failOver(added.id)
    expect(moved.messages).toMatchObject([{ to: added.host }])
    await test.cluster.restart(old.id)
    await test.cluster.switchover({ to: old.id })
    await test.cluster.removeInstance(added.id)
    await pool.query(INSERT)
  })

  it('finds the writer again when the instance that it was is removed', async () => {
    const added = await test.cluster.addInstance()
    const old = test.writer()
    await failOver(added.id)
    await test.cluster.restart(old.id)
    await closePool()
    await test.cluster.switchover({ to: old.id })
    await test.cluster.removeInstance(added.id)
    open()
    expect(await rejection(pool.query(INSERT))).toMatchObject({ code: 'ENOTFOUND', hostname: added.host })
    await pool.query(INSERT)
    expect(moved.messages).toMatchObject([{ to: added.host }, { from: added.host, to: old.host }])
  })

  it("rejects the first query of a Client without an 'error' listener that reached a reader", async () => {
    await test.cluster.switchover()
    const client = new Client(pgConfig(test.options))
    await client.connect()
    expect(ours(await rejection(client.query(INSERT)))?.code).toBe('NOT_WRITER')
    await client.end()
  })

  it("goes to the writer with iam.target 'writer' when the host is the reader endpoint", async () => {
    await closePool()
    open({ host: test.cluster.readerHost, iam: { ...test.options.iam, target: 'writer' } })
    await pool.query(INSERT)
  })

  it("stays where the name leads with iam.target 'any'", async () => {
    await closePool()
    const reader = test.cluster.instances.find(({ isWriter }) => !isWriter)
    test.dns.set(test.cluster.host, reader?.address)
    open({ iam: { ...test.options.iam, target: 'any' } })
    expect(await rejection(pool.query(INSERT))).toMatchObject({ code: '25006' })
  })

  it("gives up the search before the driver's time limit, and finds the writer later", async () => {
    await closePool()
    open({ connectionTimeoutMillis: 1_000 })
    await pool.query(INSERT)
    const lost = nextMessage('rds-iam:connection.lost')
    const old = test.writer()
    await test.cluster.kill()
    await lost
    expect(await rejection(pool.query(INSERT))).toMatchObject({ code: 'ECONNREFUSED' })
    const write = (): Promise<unknown> => pool.query(INSERT).catch(write)
    const written = write()
    await test.cluster.promote()
    await written
    await test.cluster.restart(old.id)
  })
})

describe('a cluster', () => {
  afterEach(async () => {
    await closePool()
    await test.close()
  })

  it('is searched by the names in the certificates of its servers', async () => {
    await start('postgres', 2)
    for (const { endpoint } of test.cluster.instances)
      await endpoint.configure({ endpoints: [test.cluster.host] })
    const inFlight = rejection(pool.query('select pg_sleep(60)'))
    await test.cluster.kill()
    await inFlight
    await test.cluster.promote()
    test.dns.update()
    expect(await rejection(pool.query(INSERT))).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    await pool.query(INSERT)
    // The second search found the same server.
    expect(moved.messages).toMatchObject([{ to: test.writer().host }])
  })

  it('is searched by role alone where the servers have no list of instances', async () => {
    await start('postgres', 2, { aurora: false })
    await failOver()
    expect(moved.messages).toMatchObject([{ to: test.cluster.readerHost }])
  })

  it('writes again when its only instance is back', async () => {
    await start('postgres', 1)
    const inFlight = rejection(pool.query('select pg_sleep(60)'))
    await test.cluster.kill()
    await inFlight
    const write = pool.query(INSERT)
    await test.cluster.restart()
    await write
    expect(moved.messages).toEqual([])
  })
})
