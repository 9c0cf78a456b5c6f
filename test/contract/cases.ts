import assert from 'node:assert/strict'
import dns from 'node:dns'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PeerCertificate } from 'node:tls'
import type { Engine } from '@rds-iam/local'
import { startDns } from '../servers/dns'
import type { Database } from './adapter'
import { nextMessages, ours, rejection } from './outcome'
import type { RemoteEndpoint } from './remote-endpoint'
import { DSQL_ENDPOINT } from './endpoint-options'
import type { ContractCase, Scene } from './scene'

const MINUTE_MS = 60_000
const ENDPOINT = 'db.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const TUNNELLED: Record<Engine, string> = {
  postgres: ENDPOINT,
  mysql: ENDPOINT,
  dsql: 'xyz9abc8def7ghi6jkl5mno4pq.dsql.us-east-1.on.aws',
}
const REFUSED: Record<Engine, unknown> = { postgres: '28000', mysql: 1045, dsql: '08006' }
const OTHER_ENDPOINT = 'other.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'

/** The contract of every adapter on every runtime. The endpoints verify tokens and forward to a real server. */
export const contract: Record<string, ContractCase> = {
  async 'logs in and queries'({ rds, database }) {
    const [row] = await database().sql('select 6 * 7 as answer')
    assert.equal(Number(row?.['answer']), 42)
    const [login, ...others] = await rds.logins()
    assert.deepEqual([login?.verdict, login?.user, others], ['accepted', rds.user, []])
  },

  async 'commits and rolls back'({ rds, database }) {
    const db = database()
    const table = `contract_${process.pid}_${rds.port}`
    await db.sql(`create table ${table} (id int)`)
    try {
      await db.transaction((sql) => sql(`insert into ${table} values (1)`))
      const failed = db.transaction(async (sql) => {
        await sql(`insert into ${table} values (2)`)
        throw new Error('changed my mind')
      })
      assert.match((await rejection(failed)).message, /changed my mind/)
      assert.deepEqual(
        (await db.sql(`select id from ${table}`)).map(({ id }) => id),
        [1],
      )
    } finally {
      await db.sql(`drop table ${table}`)
    }
  },

  async 'opens 20 connections at once with one token and one credential fetch'({ rds, database }) {
    const db = database({}, 20)
    await hold(db, 20)
    assert.equal((await rds.logins()).length, 20)
    assert.equal(rds.fetches(), 1)
  },

  async 'keeps open connections and logs in new ones when the token has expired'(scene) {
    const { rds, database, passTime } = scene
    const db = database()
    const session = await db.transaction(async (sql) => {
      const before = await sessionOf(scene, sql)
      await passTime(16 * MINUTE_MS)
      assert.equal(await sessionOf(scene, sql), before)
      return before
    })
    assert.equal(await sessionOf(scene, db.sql), session)
    await hold(db, 4)
    assert.deepEqual(await verdicts(rds), Array(4).fill('accepted'))
    assert.equal(rds.fetches(), 2)
  },

  async "rejects with the server's error, and ours as its cause, when the server refuses the token"(scene) {
    const { engine, rds, database, close, refusal } = scene
    const credentials = { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'nobody' }
    const db = database({ iam: { ...rds.options.iam, credentials } })
    const error = await refusal(db)
    assert.equal(engine === 'mysql' ? error.errno : error.code, REFUSED[engine])
    assert.equal(ours(error)?.code, 'LOGIN_REFUSED')
    await close(db)
    await rds.allClosed()
    assert.deepEqual(new Set(await verdicts(rds)), new Set(['refused']))
  },

  async 'sends no token when the server offers no TLS'(scene) {
    const plain = await scene.endpoint({ tls: false })
    await sendsNoToken(scene, scene.database({}, 4, plain), plain)
  },

  async "sends no token when an unknown CA signed the server's certificate"(scene) {
    const other = await scene.endpoint({})
    const error = await sendsNoToken(scene, scene.database({ ssl: { ca: other.ca } }), scene.rds)
    // If the driver accepts the certificate, our own check rejects it.
    assert.equal(ours(error)?.code ?? 'TLS_REQUIRED', 'TLS_REQUIRED')
  },

  async "sends no token when the server's certificate is for another host name"(scene) {
    const other = await scene.endpoint({ endpoints: [OTHER_ENDPOINT] })
    await sendsNoToken(scene, scene.database({}, 4, other), other)
  },

  async 'sends no token when the certificate does not include the dialled IP address'(scene) {
    const named = await scene.endpoint({ endpoints: ['localhost'] })
    await sendsNoToken(scene, scene.database({ host: '127.0.0.1' }, 4, named), named)
  },

  async "sends no token when the caller's own check rejects the certificate"(scene) {
    const { engine, rds, database } = scene
    const seen: unknown[] = []
    const name = engine === 'dsql' ? DSQL_ENDPOINT : 'localhost'
    const accept = (host: string, certificate: PeerCertificate) => {
      seen.push(host, certificate.subjectaltname?.includes(name))
      return undefined
    }
    await database({ ssl: { ca: rds.ca, checkServerIdentity: accept } }).sql('select 1')
    // Some drivers call the check twice.
    assert.deepEqual(new Set(seen), new Set([name, true]))
    assert.deepEqual(await verdicts(rds), ['accepted'])

    const other = await scene.endpoint({})
    const refuse = () => new Error('not this one')
    const ssl = { ca: other.ca, checkServerIdentity: refuse }
    await sendsNoToken(scene, database({ ssl }, 4, other), other)
  },

  async "sends no token when no built-in CA signed the server's certificate"(scene) {
    const name = TUNNELLED[scene.engine]
    const behind = await scene.endpoint({ endpoints: [name] })
    const iam = { ...behind.options.iam, endpoint: name }
    const db = scene.database({ ...builtIn, iam }, 4, behind)
    const error = await sendsNoToken(scene, db, behind)
    assert.equal(ours(error)?.code ?? 'TLS_REQUIRED', 'TLS_REQUIRED')
  },

  async 'sends no token to an unverified server when NODE_TLS_REJECT_UNAUTHORIZED is 0'(scene) {
    const other = await scene.endpoint({ endpoints: [OTHER_ENDPOINT] })
    await withEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, async () => {
      await sendsNoToken(scene, scene.database({ ssl: { ca: other.ca } }), scene.rds)
      await sendsNoToken(scene, scene.database({}, 4, other), other)
    })
  },

  async 'trusts the CA certificates in NODE_EXTRA_CA_CERTS'({ rds, database }) {
    const folder = mkdtempSync(join(tmpdir(), 'rds-iam-contract-'))
    try {
      writeFileSync(join(folder, 'ca.pem'), rds.ca)
      await withEnvironment({ NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }, () =>
        database(builtIn).sql('select 1'),
      )
      assert.deepEqual(await verdicts(rds), ['accepted'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  },

  async 'logs in through a tunnel when iam.endpoint names the endpoint behind it'(scene) {
    const name = `${TUNNELLED[scene.engine]}:6000`
    const behind = await scene.endpoint({ endpoints: [name] })
    const { region: _, ...iam } = behind.options.iam ?? {}
    const db = scene.database({ iam: { ...iam, endpoint: name } }, 4, behind)
    await hold(db, 4)
    assert.deepEqual(await verdicts(behind), Array(4).fill('accepted'))
  },

  async 'sends no token when a tunnel leads to another endpoint'(scene) {
    const behind = await scene.endpoint({ endpoints: [OTHER_ENDPOINT, 'localhost'] })
    const iam = { ...behind.options.iam, endpoint: TUNNELLED[scene.engine] }
    await sendsNoToken(scene, scene.database({ iam }, 4, behind), behind)
  },

  async 'follows a DNS alias'({ rds, database, refusal }) {
    const servers = dns.getServers()
    const names = await startDns()
    try {
      names.aliases.set('db.shop.example', 'elsewhere.example')
      dns.setServers([names.address])
      const { endpoint: _, ...iam } = rds.options.iam ?? {}
      const db = database({ host: 'db.shop.example', iam: { ...iam, followCname: true } })
      const found = ours(await refusal(db))
      assert.equal(found?.code, 'ENDPOINT_UNKNOWN')
      assert.match(found.message, /elsewhere\.example has no CNAME/)
    } finally {
      dns.setServers(servers)
      await names.close()
    }
  },

  async 'finds credentials in the environment'({ rds, database }) {
    await withEnvironment({ ...rds.env, AWS_PROFILE: undefined, AWS_SESSION_TOKEN: undefined }, () =>
      database({ iam: { endpoint: rds.options.iam?.endpoint } }).sql('select 1'),
    )
    assert.deepEqual(await verdicts(rds), ['accepted'])
  },

  async 'rejects with our error and closes its socket when there are no credentials'(scene) {
    const none = () => Promise.reject(new Error('no identity here'))
    const db = scene.database({ iam: { ...scene.rds.options.iam, credentials: none } })
    const found = ours(await sendsNoToken(scene, db, scene.rds))
    assert.equal(found?.code, 'CREDENTIALS_UNAVAILABLE')
    assert.equal((found.cause as Error).message, 'no identity here')
  },

  async 'opens a new connection when the server has closed an idle one'({ rds, database }) {
    // One connection only: some pools replace one lost connection with two, and do not wait for them when they close.
    const db = database({}, 1)
    await hold(db, 1)
    const lost = nextMessages('rds-iam:connection.lost', 1)
    await rds.dropConnections()
    await lost
    const [row] = await db.sql('select 1 as one')
    assert.equal(Number(row?.['one']), 1)
  },

  async 'logs in again when the server has refused the last token'({ rds, database }) {
    const db = database()
    await rds.setIdentities([])
    for (let refusal = 0; refusal < 3; refusal++) await rejection(db.sql('select 1'))
    await rds.setIdentities([rds.identity])
    const [row] = await db.sql('select 1 as one')
    assert.equal(Number(row?.['one']), 1)
    // A refused token is not used again, but its credentials are refreshed at most once a minute.
    assert.equal(rds.fetches(), 2)
  },
}

/** Options that trust the built-in CA certificates. */
const builtIn = { ssl: {} }

/** Expects that a login fails without sending a token and that its socket is closed. Returns the error. */
async function sendsNoToken({ close, refusal }: Scene, db: Database, at: RemoteEndpoint): Promise<Error> {
  const error = await refusal(db)
  await close(db)
  await at.allClosed()
  assert.deepEqual(await at.logins(), [])
  return error
}

async function verdicts(rds: RemoteEndpoint): Promise<string[]> {
  return (await rds.logins()).map(({ verdict }) => verdict)
}

async function sessionOf({ engine }: Scene, sql: Database['sql']): Promise<unknown> {
  const session = engine === 'mysql' ? 'connection_id()' : 'pg_backend_pid()'
  const [row] = await sql(`select ${session} as session`)
  return row?.['session']
}

/** Holds a number of connections open at the same time. */
async function hold(db: Database, count: number): Promise<void> {
  let waiting = 0
  let release: () => void
  const all = new Promise<void>((resolve) => (release = resolve))
  await Promise.all(
    Array.from({ length: count }, () =>
      db.transaction(async (sql) => {
        await sql('select 1')
        if (++waiting === count) release()
        await all
      }),
    ),
  )
}

/** Runs a function with changed environment variables. The value undefined unsets one. */
async function withEnvironment(
  values: Record<string, string | undefined>,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const)
  setEnvironment(Object.entries(values))
  try {
    await work()
  } finally {
    setEnvironment(before)
  }
}

function setEnvironment(values: (readonly [string, string | undefined])[]): void {
  for (const [name, value] of values) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}
