import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mariadb from 'mariadb'
import oldestMariadb from 'mariadb-3.4'
import type latestMysqlCallback from 'mysql2'
import mysql, { type ConnectionOptions } from 'mysql2/promise'
import oldestMysql from 'mysql2-3.15'
import pg from 'pg'
import oldestPg from 'pg-8.11'
import postgres from 'postgres'
import oldestPostgres from 'postgres-3.4.4'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { startTlsFront, type TlsFront } from '../cli/tls-front'
import { mariadbConnections, mysql2CallbackPool, mysql2Pool, pgPool, postgresJs } from '../contract/drivers'
import { rejection } from '../contract/outcome'

const PASSPHRASE = 'open sesame'
const { cert, private: key } = await generate([{ name: 'commonName', value: 'application' }])
const encrypted = createPrivateKey(key).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: PASSPHRASE,
})
const fingerprint = new X509Certificate(cert).fingerprint256

const options = {
  host: 'localhost',
  user: 'jane_doe',
  database: 'app',
  iam: { region: 'us-east-1', credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' } },
}

const withEncryptedKey = (ca: string) => ({ ca, cert, key: encrypted, passphrase: PASSPHRASE })
const forms: [string, (ca: string) => object][] = [
  ['a key', (ca) => ({ ca, cert, key })],
  ['an encrypted key', withEncryptedKey],
  ['a key that is not enumerable', (ca) => Object.defineProperty({ ca, cert }, 'key', { value: key })],
]

describe.each([
  ['pg', pgPool(pg)],
  ['pg 8.11', pgPool(oldestPg as unknown as typeof pg)],
  ['postgres.js', postgresJs(postgres)],
  ['postgres.js 3.4.4', postgresJs(oldestPostgres as unknown as typeof postgres)],
  ['mysql2', mysql2Pool(mysql)],
  ['mysql2 3.15', mysql2CallbackPool(oldestMysql as unknown as typeof latestMysqlCallback)],
  ['mariadb', mariadbConnections(mariadb)],
  ['mariadb 3.4', mariadbConnections(oldestMariadb as unknown as typeof mariadb)],
])('%s', (_, { engine, open }) => {
  let server: TlsFront
  beforeAll(async () => {
    server = await startTlsFront(engine, inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl'))
  })
  afterAll(() => server.close())
  beforeEach(() => void server.clientCertificates.splice(0))

  it.each(forms)('presents a client certificate given as %s', async (_, material) => {
    const { port, ca, clientCertificates } = server
    const db = open({ ...options, port, ssl: material(ca) }, 1)
    // The real server does not accept tokens.
    await rejection(db.sql('select 1'))
    await db.close()
    expect(new Set(clientCertificates)).toEqual(new Set([fingerprint]))
  })
})

describe('an encrypted key', () => {
  it.each([
    ["the caller's own stream", (ca: string) => ({ ssl: withEncryptedKey(ca), stream: () => new Socket() })],
    ['`ssl` set on the result', (ca: string) => ({ ssl: { ca } }), withEncryptedKey],
  ])('is used by pg with %s', async (_, given, spread?: (ca: string) => object) => {
    const { port, ca, clientCertificates, close } = await startTlsFront('postgres', inject('postgresUrl'))
    const config = pgConfig({ ...options, port, ...given(ca) })
    const client = new pg.Client(spread ? { ...config, ssl: spread(ca) } : config)
    await rejection(client.connect())
    await close()
    expect(clientCertificates).toEqual([fingerprint])
  })

  it("works in mysql2 with the caller's own stream", async () => {
    const { port, ca, clientCertificates, close } = await startTlsFront('mysql', inject('mysqlUrl'))
    const stream = () => connect(port, 'localhost')
    const config = mysql2Config({ ...options, port, ssl: withEncryptedKey(ca), stream })
    await rejection(mysql.createConnection(config as ConnectionOptions))
    await close()
    expect(clientCertificates).toEqual([fingerprint])
  })
})

const SECRETS = {
  key: 'KEY-OF-THE-CLIENT',
  pfx: [{ buf: 'PKCS12-OF-THE-CLIENT', passphrase: 'PASSPHRASE-OF-THE-PFX' }],
  passphrase: 'PASSPHRASE-OF-THE-KEY',
}

describe.each([
  ['pgConfig', pgConfig({ ...options, ssl: SECRETS })],
  ['mysql2Config', mysql2Config({ ...options, ssl: SECRETS })],
])('%s', (_, { ssl }) => {
  it("does not show a client certificate's secrets when it is printed", () => {
    expect(ssl).toMatchObject({ rejectUnauthorized: true })
    expect(Object.keys(ssl).filter((name) => name in SECRETS)).toEqual([])
    for (const [name, value] of Object.entries(SECRETS)) expect(Reflect.get(ssl, name)).toBe(value)
  })
})

it("mariadb shows no secrets of a client certificate in a connection's options", async () => {
  const ssl = { ...SECRETS, secureContext: createSecureContext() }
  const connection = { ...mariadbConfig({ ...options, port: 1, ssl }), logger: {} }
  const socket = await new Promise<Duplex>((dialled) => {
    connection.stream((_, stream) => dialled(stream!))
  })
  await once(socket, 'error')
  expect(connection.ssl).toMatchObject({ servername: 'localhost' })
  expect(Object.keys(connection.ssl).filter((name) => name in SECRETS)).toEqual([])
})
