// A name that leads to another cluster: a blue/green deployment, and an alias.
import dns from 'node:dns'
import { startLocalCluster, type LocalCluster, type LocalInstance } from '@rds-iam/local'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Adapter, Database, LoginOptions } from '../contract/adapter'
import { adapters } from '../contract/adapters'
import { postgresJs } from '../contract/drivers'
import { nextMessages, ours, rejection, type DriverError } from '../contract/outcome'
import { startDns, type TestDns } from '../servers/dns'
import { useClusterDns, type ClusterDns } from '../support/dns'
import { openConnections } from './test-cluster'

const [pg, knex, mysql2] = await Promise.all([adapters.pg(), adapters.knex(), adapters.mysql2()])

const INSERT = 'insert into t values (1)'
const ALIAS = 'db.shop.example'
const POOL = 2

/** Runs statements, and returns the rows of the last one. */
type RunAll = (...statements: string[]) => Promise<Record<string, unknown>[]>

describe.each([
  {
    engine: 'postgres' as const,
    admin: 'postgres',
    readOnly: { code: '25006' },
    async setReadOnly(isOn: boolean, run: RunAll) {
      await run(`alter system set default_transaction_read_only = ${isOn}`, 'select pg_reload_conf()')
      const isSet = async () =>
        (await run('show transaction_read_only'))[0]?.['transaction_read_only'] === 'on'
      // When a new session has the setting, the server has told it to the others.
      while ((await isSet()) !== isOn);
    },
    drivers: {
      pg: pg['pg'],
      'knex with pg': knex['knex with pg'],
      'postgres.js': postgresJs(postgres, 1),
    } as Record<string, Adapter>,
  },
  {
    engine: 'mysql' as const,
    admin: 'admin',
    readOnly: { errno: 1290 },
    setReadOnly: (isOn: boolean, run: RunAll): Promise<unknown> => run(`set global read_only = ${isOn}`),
    drivers: {
      mysql2: mysql2['mysql2'],
      'knex with mysql2': knex['knex with mysql2'],
    } as Record<string, Adapter>,
  },
])('two clusters of $engine', ({ engine, admin, readOnly, setReadOnly, drivers }) => {
  let first: LocalCluster
  let second: LocalCluster
  let names: ClusterDns
  let options: LoginOptions
  let db: Database

  beforeAll(async () => {
    first = await startLocalCluster({ engine, instances: 2, users: ['jane_doe', admin] })
    const { identities = [] } = first.instances[0]?.endpoint.configuration ?? {}
    const { port } = first
    second = await startLocalCluster({ engine, instances: 2, users: ['jane_doe', admin], port, identities })
    names = useClusterDns(first, second)
    const { user, database, host } = first
    const credentials = {
      accessKeyId: first.env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: first.env['AWS_SECRET_ACCESS_KEY'] ?? '',
    }
    const iam = { credentials: () => Promise.resolve(credentials) }
    options = { host, port, user, database, ssl: { ca: first.ca + second.ca }, iam }
    for (const { instances } of [first, second])
      await run(instances[0], 'create table t (n int)', 'grant all on t to jane_doe')
  })
  afterEach(async () => {
    await db.close()
    for (const { instances } of [first, second])
      for (const { endpoint } of instances)
        while (endpoint.openConnections > 0)
          await new Promise<void>((resolve) => endpoint.events.once('disconnection', () => resolve()))
  })
  afterAll(async () => {
    names.restore()
    await Promise.all([first.close(), second.close()])
  })

  /** Runs statements at an instance as the administrator. */
  async function run(
    instance: LocalInstance | undefined,
    ...statements: string[]
  ): Promise<Record<string, unknown>[]> {
    const { address: host = '', host: endpoint = '' } = instance ?? {}
    const [driver] = Object.values(drivers) as [Adapter]
    const session = driver.open({ ...options, host, user: admin, iam: { ...options.iam, endpoint } }, 1)
    let rows: Record<string, unknown>[] = []
    for (const sql of statements) rows = await session.sql(sql)
    await session.close()
    return rows
  }

  const setWritable = (cluster: LocalCluster, isWritable: boolean) =>
    setReadOnly(!isWritable, (...statements) => run(cluster.instances[0], ...statements))
  const rowCount = async ({ instances }: LocalCluster) =>
    Number((await run(instances[0], 'select count(*) as n from t'))[0]?.['n'])

  describe('of a blue/green deployment', () => {
    let blue: LocalCluster
    let green: LocalCluster
    beforeAll(async () => {
      ;[blue, green] = [first, second]
      // After a switchover the green servers have the names of the blue ones.
      const endpoints = [first.host, first.readerHost, ...first.instances.map(({ host }) => host)]
      for (const { endpoint } of second.instances)
        await endpoint.configure({ endpoints: [...endpoints, ...endpoint.configuration.endpoints] })
      await setWritable(second, false)
    })
    afterEach(() => {
      ;[blue, green] = [green, blue]
    })
    afterAll(async () => {
      await setWritable(first, true)
      await setWritable(second, true)
      names.update()
    })

    /** The names of the first cluster lead to another one. */
    function moveNames({ instances }: LocalCluster): void {
      const [writer, reader] = instances
      names.set(first.host, writer?.address)
      names.set(first.readerHost, reader?.address)
      for (const [at, { host }] of first.instances.entries()) names.set(host, instances[at]?.address)
    }

    /** Opens connections to the blue cluster, and makes it read-only. Returns the numbers of rows before. */
    async function openBlue(driver: Adapter): Promise<[blue: number, green: number]> {
      db = driver.open(options, POOL)
      await openConnections(db, POOL)
      const rows: [number, number] = [await rowCount(blue), await rowCount(green)]
      await setWritable(blue, false)
      return rows
    }

    it.each(Object.entries(drivers))(
      '%s loses no write when the blue cluster closes its connections and becomes read-only',
      async (_, driver) => {
        const rows = await openBlue(driver)
        const lost = nextMessages('rds-iam:connection.lost', POOL)
        for (const { endpoint } of blue.instances) endpoint.dropConnections()
        await lost

        const writes = Promise.all([1, 2, 3, 4].map(() => db.sql(INSERT)))
        moveNames(green)
        await setWritable(green, true)
        await writes
        await Promise.all([1, 2, 3, 4].map(() => db.sql(INSERT)))
        expect([await rowCount(blue), await rowCount(green)]).toEqual([rows[0], rows[1] + 8])
      },
    )

    it.each(Object.entries(drivers))(
      '%s leaves the blue cluster when it becomes read-only and keeps its connections',
      async (_, driver) => {
        const rows = await openBlue(driver)
        expect(await rejection(db.sql(INSERT))).toMatchObject(readOnly)

        const writes = Promise.allSettled([1, 2, 3, 4].map(() => db.sql(INSERT)))
        moveNames(green)
        await setWritable(green, true)
        const failures = (await writes).flatMap((result) =>
          result.status === 'rejected' ? [result.reason as DriverError] : [],
        )
        // Those of the other connection, and those that a driver sends before it knows that the first has failed.
        for (const error of failures)
          if (ours(error)?.code !== 'NOT_WRITER') expect(error).toMatchObject(readOnly)
        await Promise.all([1, 2, 3, 4].map(() => db.sql(INSERT)))
        const written = 8 - failures.length
        expect([await rowCount(blue), await rowCount(green)]).toEqual([rows[0], rows[1] + written])
      },
    )
  })

  // The local MySQL cluster calls a read-only server a reader. Then the endpoint is dialled in the end.
  it('opens connections to a cluster whose writer is read-only by its configuration', async () => {
    const [driver] = Object.values(drivers) as [Adapter]
    db = driver.open({ ...options, host: second.host }, POOL)
    await openConnections(db, POOL)
    await setWritable(second, false)
    const lost = nextMessages('rds-iam:connection.lost', POOL)
    for (const { endpoint } of second.instances) endpoint.dropConnections()
    await lost
    expect(await db.sql('select 1 as one')).toHaveLength(1)
    await setWritable(second, true)
  })

  describe('behind an alias', () => {
    const servers = dns.getServers()
    let aliases: TestDns
    beforeAll(async () => {
      aliases = await startDns()
      dns.setServers([aliases.address])
    })
    afterAll(async () => {
      dns.setServers(servers)
      await aliases.close()
    })

    it('lets connections that wait for the writer go to the other cluster when the alias changes', async () => {
      aliases.aliases.set(ALIAS, first.host)
      const [driver] = Object.values(drivers) as [Adapter]
      db = driver.open({ ...options, host: ALIAS, iam: { ...options.iam, followCname: true } }, POOL)
      await openConnections(db, POOL)
      const rows = await rowCount(second)
      const lost = nextMessages('rds-iam:connection.lost', POOL)
      await first.kill()
      await lost
      const writes = Promise.all([1, 2, 3].map(() => db.sql(INSERT)))
      aliases.aliases.set(ALIAS, second.host)
      await writes
      expect(await rowCount(second)).toBe(rows + 3)
    })
  })
})
