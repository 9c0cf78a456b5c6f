import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { startLocalCluster, type LocalCluster } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useClusterDns } from '../support/dns'
import { writeClusterHosts, type ClusterHosts } from '../support/cluster-hosts'
import { bundleExample, runProgram } from './run-example'

const ENGINES = {
  postgres: {
    createOrders: 'create table orders (id serial primary key, item text not null)',
    ordersExist: "select to_regclass('orders') is not null as found, pg_sleep(0.01)",
    async query(login: object, sql: string) {
      const client = new pg.Client(pgConfig(login))
      await client.connect()
      return (await client.query(sql).finally(() => client.end())).rows[0]
    },
  },
  mysql: {
    createOrders: 'create table orders (id int auto_increment primary key, item text not null)',
    ordersExist: `select exists (select * from information_schema.tables where table_name = 'orders') as found, sleep(0.01)`,
    async query(login: object, sql: string) {
      const connection = await mysql.createConnection(mysql2Config(login))
      const [rows] = await connection.query(sql).finally(() => connection.end())
      return (rows as { found?: unknown }[])[0]
    },
  },
}

const programs = {
  postgres: {
    'readers-kysely': (output: string) => expect(output).toContain('reader: true'),
    'readers-kysely-replication': (output: string) => expect(output).toContain('25006'),
    'readers-drizzle': (output: string) => expect(output).toContain('reader: true'),
    'readers-typeorm': (output: string) => expect(output).toContain('reader: true'),
    'readers-sequelize': (output: string) => expect(output).toMatch(/reader: true.*reader: false/s),
  },
  mysql: { 'readers-knex': (output: string) => expect(output).toContain('reader: 1') },
}

describe.each(['postgres', 'mysql'] as const)('in a cluster of %s', (engine) => {
  let cluster: LocalCluster
  let hosts: ClusterHosts
  beforeAll(async () => {
    cluster = await startLocalCluster({ engine })
    hosts = writeClusterHosts(cluster)
    await createTable()
  })
  afterAll(async () => {
    hosts.remove()
    await cluster.close()
  })

  /** Creates the table that the programs use, and waits until all readers have it. */
  async function createTable(): Promise<void> {
    const { createOrders, ordersExist, query } = ENGINES[engine]
    const { port, user, database, ca, env, instances } = cluster
    const credentials = {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    }
    const dns = useClusterDns(cluster)
    const at = (host: string, sql: string) =>
      query({ host, port, user, database, ssl: { ca }, iam: { credentials } }, sql)
    await at(cluster.host, createOrders)
    for (const { host } of instances) while (!(await at(host, ordersExist))?.found);
    dns.restore()
  }

  async function run(program: string): Promise<string> {
    return runProgram(['--require=./support/hosts.cjs', await bundleExample(`docs/${program}`)], {
      ...cluster.env,
      NODE_EXTRA_CA_CERTS: hosts.caFile,
      TEST_HOSTS: hosts.file,
      DB_HOST: cluster.host,
      DB_READER_HOST: cluster.readerHost,
      DB_PORT: `${cluster.port}`,
      PGPORT: `${cluster.port}`,
    })
  }

  test.each(Object.entries(programs[engine]))('runs: test/examples/docs/%s.ts', async (program, check) => {
    check(await run(program))
    for (const { endpoint } of cluster.instances)
      expect(new Set(endpoint.logins.map(({ verdict }) => verdict))).not.toContain('refused')
  })
})
