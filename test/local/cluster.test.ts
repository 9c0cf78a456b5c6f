import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalCluster, type LocalCluster, type LocalInstance } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useClusterDns, type ClusterDns } from '../support/dns'
import { sign } from './sign'

/** A session that was logged in with a token. */
interface Session {
  /** Runs a statement, and returns the values of the rows. */
  sql(statement: string): Promise<unknown[][]>
  /** Runs a prepared statement. */
  prepared(statement: string): Promise<unknown[][]>
  end(): Promise<void>
}

async function connectPostgres(cluster: LocalCluster, host: string, signedFor = host): Promise<Session> {
  const { port, user, database, ca } = cluster
  const password = await sign(cluster, { host: signedFor })
  const client = new pg.Client({ host, port, user, database, password, ssl: { ca } })
  client.on('error', () => {})
  await client.connect()
  return {
    sql: async (text) => (await client.query<unknown[]>({ text, rowMode: 'array' })).rows,
    prepared: async (text) =>
      (await client.query<unknown[]>({ name: String(text.length), text, rowMode: 'array' })).rows,
    end: () => client.end(),
  }
}

async function connectMysql(cluster: LocalCluster, host: string, signedFor = host): Promise<Session> {
  const { port, user, database, ca } = cluster
  const token = await sign(cluster, { host: signedFor })
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    database,
    ssl: { ca, verifyIdentity: true },
    authPlugins: { mysql_clear_password: () => () => Buffer.from(`${token}\0`) },
  })
  connection.on('error', () => {})
  return {
    sql: async (sql) => (await connection.query({ sql, rowsAsArray: true }))[0] as unknown[][],
    prepared: async (sql) => (await connection.execute({ sql, rowsAsArray: true }))[0] as unknown[][],
    end: () => connection.end(),
  }
}

const ENGINES = {
  postgres: {
    connect: connectPostgres,
    role: 'select pg_is_in_recovery(), aurora_db_instance_identifier()',
    members: 'select server_id, session_id, replica_lag_in_msec from aurora_replica_status() order by 1',
    readOnly: { code: '25006' },
    unknown: { code: '42883' },
    refused: { code: '28000' },
  },
  mysql: {
    connect: connectMysql,
    role: 'select @@innodb_read_only = 1, @@aurora_server_id',
    members:
      'select server_id, session_id, replica_lag_in_milliseconds from information_schema.replica_host_status order by 1',
    readOnly: { errno: 1290 },
    unknown: { errno: 1193 },
    refused: { errno: 1045 },
  },
}

describe.each(['postgres', 'mysql'] as const)('a cluster of %s', (engine) => {
  const { connect, role, members, readOnly, unknown, refused } = ENGINES[engine]
  let cluster: LocalCluster
  let dns: ClusterDns

  beforeAll(async () => {
    cluster = await startLocalCluster({ engine })
    dns = useClusterDns(cluster)
    await on(cluster.host, 'create table writes(id int primary key)')
  })
  afterAll(async () => {
    dns.restore()
    await cluster.close()
  })

  /** Runs a statement in a session of its own. */
  async function on(host: string, statement: string): Promise<unknown[][]> {
    const session = await connect(cluster, host)
    try {
      return await session.sql(statement)
    } finally {
      await session.end()
    }
  }
  const instance = (id: string) => cluster.instances.find((candidate) => candidate.id === id) as LocalInstance
  /** The instances that a server lists, with the writer marked. */
  const listed = async (id: string) =>
    (await on(instance(id).host, members)).map(([member, session]) =>
      session === 'MASTER_SESSION_ID' ? `${member} writes` : member,
    )
  const isReader = async (id: string) => {
    const [[reader, name] = []] = await on(instance(id).host, role)
    expect(name).toBe(id)
    return Boolean(reader)
  }

  test('has a writer and readers, each with an address, a certificate and tokens for its names', async () => {
    expect(cluster.instances.map(({ id, isWriter }) => [id, isWriter])).toEqual([
      ['local-1', true],
      ['local-2', false],
      ['local-3', false],
    ])
    for (const { id, host, address, isWriter } of cluster.instances) {
      expect(await isReader(id)).toBe(!isWriter)
      expect(await listed(id)).toEqual(['local-1 writes', 'local-2', 'local-3'])
      dns.set(cluster.host, address)
      dns.set(cluster.readerHost, address)
      for (const name of [host, cluster.host, cluster.readerHost]) await on(name, 'select 1')
    }
    dns.update()
    dns.set(instance('local-2').host, instance('local-3').address)
    await expect(on(instance('local-2').host, 'select 1')).rejects.toThrow('altnames')
    dns.set(instance('local-2').host, undefined)
    await expect(on(instance('local-2').host, 'select 1')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    dns.update()
  })

  test('refuses a token for another instance, and writes on a reader', async () => {
    await expect(connect(cluster, cluster.host, instance('local-2').host)).rejects.toMatchObject(refused)
    expect(instance('local-1').endpoint.logins.at(-1)?.reason).toBe('HOST_MISMATCH')
    await expect(on(cluster.readerHost, 'insert into writes values (0)')).rejects.toMatchObject(readOnly)
  })

  test('tells what only Aurora tells in prepared and in long statements', async () => {
    const session = await connect(cluster, cluster.host)
    for (const statement of [role, `${role} /* ${'x'.repeat(50_000)} */`]) {
      const [[, id] = []] = await session.prepared(statement)
      expect([id, (await session.sql(statement))[0]?.[1]]).toEqual(['local-1', 'local-1'])
    }
    await session.end()
  })

  test('goes on with a reader when the writer dies, which comes back as a reader', async () => {
    const session = await connect(cluster, cluster.host)
    const lost = session.sql(engine === 'postgres' ? 'select pg_sleep(60)' : 'select sleep(60)')
    await Promise.all([expect(lost).rejects.toBeInstanceOf(Error), cluster.kill()])
    await expect(on(cluster.host, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(cluster.addresses(cluster.host)).toEqual([instance('local-1').address])
    expect(await listed('local-2')).toContain('local-1 writes')

    await cluster.promote('local-2')
    expect(await isReader('local-2')).toBe(false)
    expect(await listed('local-2')).toEqual(['local-1', 'local-2 writes', 'local-3'])
    await expect(on(cluster.host, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    dns.update()
    await on(cluster.host, 'insert into writes values (1)')

    await cluster.restart('local-1')
    expect(await isReader('local-1')).toBe(true)
    for (const { id } of cluster.instances) expect(await listed(id)).toContain('local-2 writes')
    expect(cluster.addresses(cluster.readerHost)).toEqual([
      instance('local-1').address,
      instance('local-3').address,
    ])
  })

  test('loses no committed write when the writer changes again and again', async () => {
    await cluster.failover()
    dns.update()
    await on(cluster.host, 'insert into writes values (2)')
    await cluster.switchover()
    dns.update()
    await on(cluster.host, 'insert into writes values (3)')
    expect(await on(cluster.host, 'select id from writes order by id')).toEqual([[1], [2], [3]])
  })

  test('answers nothing while an instance is frozen, and everything afterwards', async () => {
    const session = await connect(cluster, cluster.host)
    const thaw = await cluster.freeze()
    const answers: string[] = []
    const waiting = [
      session.sql('insert into writes values (5)').then(() => answers.push('open')),
      on(cluster.host, 'select 1').then(() => answers.push('new')),
    ]
    expect(await on(cluster.readerHost, 'select id from writes where id = 5')).toEqual([])
    expect(answers).toEqual([])
    await thaw()
    await Promise.all(waiting)
    await session.end()
  })

  test('closes the connections of a frozen writer when it is thawed after a promotion', async () => {
    const old = cluster.instances.find(({ isWriter }) => isWriter) as LocalInstance
    const session = await connect(cluster, cluster.host)
    const thaw = await cluster.freeze()
    let error: unknown
    const lost = session.sql('insert into writes values (6)').catch((reason: unknown) => (error = reason))
    await cluster.promote()
    dns.update()
    await on(cluster.host, 'insert into writes values (7)')
    expect(error).toBeUndefined()
    await thaw()
    expect(await lost).toBeInstanceOf(Error)
    expect(await isReader(old.id)).toBe(true)
    expect(await on(cluster.host, 'select id from writes where id > 4')).toEqual([[5], [7]])
  })

  test('lists instances that are added and removed, and how far they lag', async () => {
    const { id, host } = await cluster.addInstance()
    expect(await on(host, 'select max(id) from writes')).toEqual([[7]])
    await cluster.setLag(id, 12_000)
    for (const other of cluster.instances)
      expect(await on(other.host, members)).toContainEqual([id, expect.any(String), 12_000])
    await cluster.removeInstance(id)
    await expect(on(host, 'select 1')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    for (const other of cluster.instances) expect(await listed(other.id)).not.toContain(id)
    const writer = cluster.instances.find(({ isWriter }) => isWriter) as LocalInstance
    await expect(cluster.removeInstance(writer.id)).rejects.toThrow('is the writer')
  })

  test('refuses to promote a reader that was down when the writer stopped', async () => {
    const [first, second] = cluster.instances.filter(({ isWriter }) => !isWriter) as [
      LocalInstance,
      LocalInstance,
    ]
    await cluster.kill(first.id)
    await expect(cluster.promote(first.id)).rejects.toThrow('is not a reader that runs')
    await cluster.kill()
    await cluster.restart(first.id)
    await expect(cluster.promote(first.id)).rejects.toThrow('was down when the writer stopped')
    await cluster.promote(second.id)
  })

  test('restarts the writer when there is no reader, and hides what only Aurora tells', async () => {
    const other = await startLocalCluster({ engine, instances: 1, aurora: false, port: cluster.port })
    try {
      expect(other.addresses(other.readerHost)).toEqual(other.addresses(other.host))
      const both = useClusterDns(cluster, other)
      const before = await connect(other, other.host)
      await expect(before.sql(role)).rejects.toMatchObject(unknown)
      await before.sql('create table kept(id int)')
      await before.end()
      await other.failover()
      const after = await connect(other, other.host)
      await after.sql('insert into kept values (1)')
      await after.end()
      both.restore()
    } finally {
      await other.close()
    }
  })
})

test('leaves nothing behind when the process that started it is killed', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'cluster-'))
  const program = join(scratch, 'start.cjs')
  const local = createRequire(import.meta.url).resolve('@rds-iam/local')
  writeFileSync(
    program,
    `require(${JSON.stringify(local)})
      .startLocalCluster({ engine: 'mysql', instances: 2 })
      .then(() => process.send('started'))`,
  )
  const child = fork(program, { env: { ...process.env, TMPDIR: scratch } })
  expect(await once(child, 'message')).toContain('started')
  rmSync(program)
  child.kill('SIGKILL')
  const watcher = watch(scratch)
  while (readdirSync(scratch).length > 0) await once(watcher, 'change')
  watcher.close()
  rmSync(scratch, { recursive: true })
})

test.each([
  ['instances', { instances: 0 }],
  ['aurora', { aurora: 1 }],
  ['engine', { engine: 'oracle' }],
  ['reader', { reader: 2 }],
])('a wrong option %s is named', async (name, options) => {
  await expect(startLocalCluster(options as object)).rejects.toThrow(name)
})
