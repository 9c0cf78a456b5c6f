import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { deflateSync } from 'node:zlib'
import { startLocalRds, type BackendLogin, type LocalRds } from '@rds-iam/local'
import { createConnection } from 'mariadb'
import mysql from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { allClosed } from './closed'
import { createBackendUsers, dropBackendUsers, mysqlClient, rows } from './mysql-client'
import { sign } from './sign'

const users = ['jane_doe', 'john']
const OPEN_USER = 'without_password'

let backend: string
let backendUsers: Record<string, BackendLogin>
let admin: mysql.Connection
let rds: LocalRds

beforeAll(async () => {
  backend = inject('mysqlUrl')
  admin = await mysql.createConnection(backend)
  backendUsers = await createBackendUsers(admin, users)
  await admin.query(`create user if not exists ${OPEN_USER}@'%'`)
  await admin.query('set global local_infile = 1')
  await admin.query('set global max_allowed_packet = 67108864')
})

afterAll(async () => {
  await dropBackendUsers(admin, backendUsers)
  await admin.query(`drop user ${OPEN_USER}@'%'`)
  await admin.end()
})

beforeEach(async () => {
  rds = await startLocalRds({ engine: 'mysql', backend, backendUsers, users })
})

afterEach(() => rds.close())

const client = () => mysqlClient(rds, { compress: true })

/** Changes the user with a token for it. */
async function change(session: mysql.Connection, user: string, token: string): Promise<void> {
  const plugins = { mysql_clear_password: () => () => Buffer.from(`${token}\0`) }
  Object.assign((session as unknown as { connection: { config: object } }).connection.config, {
    authPlugins: plugins,
  })
  await session.changeUser({ user })
}

describe('in a compressed session', () => {
  test('the backend compresses too', async () => {
    const session = await client()
    expect(await rows(session, `show session status like 'Compression'`)).toMatchObject([{ Value: 'ON' }])
    await session.end()
  })

  test('a change of user takes a token for the new one, as often as wanted', async () => {
    const session = await client()
    for (const user of ['john', 'jane_doe', 'john']) {
      await change(session, user, await sign(rds, { user }))
      expect(await rows(session, 'select current_user() as user')).toEqual([
        { user: `${backendUsers[user]?.user}@%` },
      ])
    }
    expect(rds.logins.map(({ user }) => user)).toEqual(['jane_doe', 'john', 'jane_doe', 'john'])
    const text = 'compressible '.repeat(100_000)
    expect(await rows(session, 'select ? as text', [text])).toEqual([{ text }])
    await session.end()
    await allClosed(rds)
  })

  test('a change of user is refused with the old one’s token', async () => {
    const session = await client()
    await expect(change(session, 'john', await sign(rds))).rejects.toMatchObject({ errno: 1045 })
    expect(rds.logins.at(-1)).toMatchObject({ user: 'john', reason: 'USER_MISMATCH' })
    await allClosed(rds)
  })

  test('files of many frames pass, whatever their bytes look like', async () => {
    const session = await client()
    await session.query('create temporary table loaded (line varchar(100)) charset latin1')
    const line = '\x11'.repeat(99)
    const infileStreamFactory = () =>
      Readable.from(Array.from({ length: 1000 }, () => Buffer.from(`${line}\n`)))
    await session.query({ sql: `load data local infile 'x' into table loaded`, infileStreamFactory })
    expect(await rows(session, 'select count(*) as n, max(line) as line from loaded')).toEqual([
      { n: 1000, line },
    ])
    await change(session, 'john', await sign(rds, { user: 'john' }))
    await session.end()
  })

  test('the mariadb driver sends commands of more than one packet', async () => {
    const { host, port, user, database, ca } = rds
    const login = { host, port, user, database, password: await sign(rds), ssl: { ca }, compress: true }
    const session = await createConnection({ ...login, maxAllowedPacket: 67_108_864 })
    for (const size of [60, 0xffffff - 40, 0xffffff, 0x1ffffff]) {
      const bytes = Buffer.alloc(size, 0x11) // what COM_CHANGE_USER begins with
      const [row] = await session.query<{ size: bigint }[]>('select length(?) as size', [bytes])
      expect(Number(row?.size)).toBe(size)
    }
    await session.end()
  })

  test('the mariadb driver changes its user', async () => {
    const { host, port, user, database, ca } = rds
    const login = { host, port, user, database, password: await sign(rds), ssl: { ca }, compress: true }
    const session = await createConnection(login)
    await session.changeUser({ user: 'john', password: await sign(rds, { user: 'john' }) })
    const [row] = await session.query<{ user: string }[]>('select current_user() as user')
    expect(row?.user).toBe(`${backendUsers.john?.user}@%`)
    const wrong = session.changeUser({ user: 'jane_doe', password: await sign(rds, { user: 'john' }) })
    await expect(wrong).rejects.toMatchObject({ errno: 1045 })
    await allClosed(rds)
  })

  test('the mariadb client loads a file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'client-'))
    const [ca, defaults, data] = ['ca.pem', 'client.cnf', 'data'].map((name) => join(directory, name))
    writeFileSync(ca!, rds.ca)
    writeFileSync(defaults!, `[client]\npassword="${await sign(rds)}"\n`, { mode: 0o600 })
    writeFileSync(data!, `${'\x11'.repeat(99)}\n`.repeat(80_000))
    const target = ['--protocol=tcp', '--host=localhost', `--port=${rds.port}`, `--user=${rds.user}`]
    const statements = [
      'create temporary table loaded (line varchar(100)) charset latin1',
      `load data local infile '${data}' into table loaded`,
      `select count(*), length(max(line)) from loaded`,
    ].join(';')
    const flags = [
      '--compress',
      '--local-infile',
      '--batch',
      '--skip-column-names',
      `--execute=${statements}`,
    ]
    const { stdout } = await promisify(execFile)('mariadb', [
      `--defaults-file=${defaults}`,
      ...target,
      `--ssl-ca=${ca}`,
      ...flags,
      rds.database,
    ])
    expect(stdout).toBe('80000\t99\n')
    rmSync(directory, { recursive: true })
  })
})

test('any bytes in a compressed session end that session at most', async () => {
  const other = await client()
  for (let round = 0; round < 50; round++) {
    const session = await client()
    session.on('error', () => {})
    const { stream } = (session as unknown as { connection: { stream: TLSSocket } }).connection
    stream.removeAllListeners('data')
    stream.on('error', () => {}).resume()
    // A small length and number at times, so that more than the head is read.
    const head = round % 2 === 0 ? [] : [9, 0, 0, 0, round % 3 === 0 ? 0 : 40, 0, 0]
    stream.end(Buffer.concat([Buffer.from(head), randomBytes(1 + round * 7)]))
    if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve))
  }
  expect(await rows(other, 'select 1 as one')).toEqual([{ one: 1 }])
  await other.end()
  await allClosed(rds)
})

describe('a change of user that is hidden in a compressed session', () => {
  const command = Buffer.from(`\x11${OPEN_USER}\0\0\0\x2d\0mysql_native_password\0\0`, 'latin1')
  const ping = packet(0, Buffer.from([0x0e]))
  const query = packet(0, Buffer.from('\x03do 1', 'latin1'))

  function packet(sequence: number, payload: Buffer): Buffer {
    return Buffer.concat([Buffer.from([payload.length, 0, 0, sequence]), payload])
  }

  function frame(sequence: number, contents: Buffer, deflated = false): Buffer {
    const bytes = deflated ? deflateSync(contents) : contents
    const sizes = [bytes.length, 0, 0, sequence, deflated ? contents.length : 0, 0, 0]
    return Buffer.concat([Buffer.from(sizes), bytes])
  }

  const hidden = packet(7, command)
  const cases: [string, Buffer[]][] = [
    ['behind nothing', [frame(0, packet(0, command))]],
    ['behind a number that is no command’s', [frame(0, hidden)]],
    ['behind compression', [frame(0, hidden, true)]],
    ['in frames of a byte', [...hidden].map((byte, index) => frame(index, Buffer.from([byte])))],
    ['behind another command in its frame', [frame(0, Buffer.concat([ping, hidden]))]],
    [
      'behind the end of another command',
      [frame(0, query.subarray(0, 6)), frame(1, Buffer.concat([query.subarray(6), hidden]))],
    ],
    [
      'with its head in the frame of another command',
      [frame(0, Buffer.concat([ping, hidden.subarray(0, 3)])), frame(1, hidden.subarray(3))],
    ],
    ['in a frame with a number that is no command’s', [frame(0, ping), frame(2, hidden)]],
    ['where a file would be loaded', [frame(1, hidden)]],
    [
      'in a frame that says less than there is',
      [Buffer.concat([frame(0, hidden, true).subarray(0, 4), Buffer.from([3, 0, 0]), deflateSync(hidden)])],
    ],
  ]

  test('is one that the backend itself would take', async () => {
    const session = await mysql.createConnection({ uri: backend, compress: true })
    const { stream } = (session as unknown as { connection: { stream: TLSSocket } }).connection
    stream.removeAllListeners('data')
    stream.write(frame(0, packet(0, command)))
    await once(stream, 'data') // asks for what makes no difference without a password
    stream.write(frame(2, packet(2, Buffer.alloc(0))))
    await once(stream, 'data')
    const present = 'select user from information_schema.processlist where id = ?'
    expect(await rows(admin, present, [session.threadId])).toEqual([{ user: OPEN_USER }])
    session.destroy()
  })

  test.each(cases)('%s brings nobody another user', async (_, frames) => {
    const session = await client()
    const ended = new Promise((resolve) => session.on('error', resolve))
    const { stream } = (session as unknown as { connection: { stream: TLSSocket } }).connection
    stream.removeAllListeners('data')
    stream.resume()
    for (const bytes of frames) stream.write(bytes)
    // The answer to what the backend would ask next.
    const token = frames.length > 2 ? frames.length + 1 : 2
    stream.write(frame(token, packet(token, Buffer.alloc(0))))
    await Promise.race([ended, once(stream, 'close')])
    await allClosed(rds)
    const { n } = (
      await rows(admin, 'select count(*) as n from information_schema.processlist where user = ?', [
        OPEN_USER,
      ])
    )[0] as { n: number }
    expect(Number(n)).toBe(0)
  })
})
