import { pgConfig } from '@rds-iam/core/pg'
import { install } from '@sinonjs/fake-timers'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { rejection } from '../contract/outcome'
import { loginCounts, startTestCluster, type TestCluster } from './test-cluster'

describe("iam.target 'reader' in a cluster with three readers", () => {
  let test: TestCluster
  const pools: Pool[] = []
  beforeAll(async () => {
    test = await startTestCluster('postgres', 4)
  })
  afterEach(async () => {
    await Promise.all(pools.splice(0).map(closed))
    for (const instance of test.cluster.instances) await test.allClosed(instance)
  })
  afterAll(() => test.close())

  function open(host: string): Pool {
    const iam = { ...test.options.iam, target: 'reader' as const }
    const pool = new Pool({ ...pgConfig({ ...test.options, host, iam }), max: 20 })
    pools.push(pool)
    return pool
  }

  /** Ends a pool, and waits until its connections are closed: `end()` of a pool does not wait for them. */
  async function closed(pool: Pool): Promise<void> {
    let open = pool.totalCount
    const removed = new Promise<void>((resolve) => {
      pool.on('remove', () => --open === 0 && resolve())
      if (open === 0) resolve()
    })
    await pool.end()
    await removed
  }

  /** Opens connections at once, and returns the number of logins at each instance. */
  async function connect(pool: Pool, count: number): Promise<number[]> {
    const before = loginCounts(test)
    const clients = await Promise.all(Array.from({ length: count }, () => pool.connect()))
    for (const client of clients) client.release()
    return loginCounts(test, before)
  }

  it('spreads connections that are opened at once, after one look at the cluster', async () => {
    const pool = open(test.cluster.host)
    const [writer, ...readers] = await connect(pool, 20)
    expect(writer).toBe(0)
    // One of them is the look.
    expect(readers.reduce((sum, count) => sum + count)).toBe(21)
    const { rows } = await pool.query('select 1')
    expect(rows).toHaveLength(1)
    const counts = test.cluster.instances.map(({ endpoint }) => endpoint.openConnections)
    expect(counts.toSorted((a, b) => a - b)).toEqual([0, 6, 7, 7])
  })

  it('counts the connections of all pools', async () => {
    await connect(open(test.cluster.host), 2)
    expect((await connect(open(test.cluster.readerHost), 1)).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 1])
    const counts = test.cluster.instances.map(({ endpoint }) => endpoint.openConnections)
    expect(counts).toEqual([0, 1, 1, 1])
  })

  it('uses a reader that is added, until it is removed', async () => {
    const added = await test.cluster.addInstance()
    const clock = install({ toFake: ['Date'], now: Date.now() + 31_000, shouldAdvanceTime: true })
    try {
      await connect(open(test.cluster.host), 8)
      expect(added.endpoint.openConnections).toBe(2)
      await Promise.all(pools.splice(0).map(closed))
      await test.cluster.removeInstance(added.id)
      clock.setSystemTime(Date.now() + 31_000)
      expect((await connect(open(test.cluster.host), 6)).toSorted((a, b) => a - b)).toEqual([0, 2, 2, 3])
    } finally {
      clock.uninstall()
    }
  })

  it('leaves out readers that refuse connections or lag, and goes to the writer when none is left', async () => {
    const [writer, down, ...lagging] = test.cluster.instances
    for (const { id } of lagging) await test.cluster.setLag(id, 11_000)
    // Later than the clock of the test before.
    const clock = install({ toFake: ['Date'], now: Date.now() + 120_000, shouldAdvanceTime: true })
    try {
      await test.cluster.kill(down?.id)
      const pool = open(test.cluster.host)
      expect(await rejection(pool.query('select 1'))).toMatchObject({ code: 'ECONNREFUSED' })
      await pool.query('select 1')
      expect(writer?.endpoint.openConnections).toBe(1)
    } finally {
      clock.uninstall()
    }
  })
})
