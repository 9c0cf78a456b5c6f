import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type AddressInfo } from 'node:net'
import { findMysqlServer, startPostgres, type DatabaseServer } from '@rds-iam/local'
import pg from 'pg'
import { createCertificateFiles, type CertificateFiles } from './certificate'

/** A database server with TLS, without an endpoint in front of it. */
export interface TlsServer extends DatabaseServer {
  /** The CA certificate for clients, in PEM. */
  ca: string
}

/** Starts the embedded PostgreSQL with TLS. */
export async function startPostgresWithTls(): Promise<TlsServer> {
  const server = await startPostgres()
  const directory = mkdtempSync(join(tmpdir(), 'bench-'))
  try {
    const certificate = await createCertificateFiles(directory)
    await switchTlsOn(server.url, certificate)
    return { ...server, ca: certificate.ca }
  } catch (error) {
    await server.stop()
    throw error
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function switchTlsOn(url: string, { cert, key }: CertificateFiles): Promise<void> {
  const admin = new pg.Client(url)
  await admin.connect()
  const { rows } = await admin.query<{ data_directory: string }>('show data_directory')
  const data = rows[0]?.data_directory ?? ''
  const { uid, gid } = statSync(data)
  for (const [file, name] of [
    [cert, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    copyFileSync(file, join(data, name))
    chmodSync(join(data, name), 0o600)
    chownSync(join(data, name), uid, gid)
  }
  await admin.query('alter system set ssl = on')
  await admin.query('select pg_reload_conf()')
  // The server and this session reload the setting asynchronously.
  const isOn = async () => (await admin.query<{ ssl: string }>('show ssl')).rows[0]?.ssl === 'on'
  while (!(await isOn())) await admin.query('select pg_sleep(0.05)')
  await admin.end()
}

/** Starts MariaDB with TLS. MariaDB reads its certificate only at its start, and `startMysql` has no option for it. */
export async function startMariadbWithTls(): Promise<TlsServer> {
  const program = findMysqlServer()
  if (!program?.endsWith('mariadbd')) throw new Error('the benchmark needs MariaDB: install mariadb-server')
  const directory = mkdtempSync(join(tmpdir(), 'bench-'))
  const { cert, key, ca } = await createCertificateFiles(directory)
  const data = join(directory, 'data')
  const password = randomBytes(12).toString('hex')
  const init = join(directory, 'init.sql')
  const user = `'bench'@'%'`
  writeFileSync(
    init,
    [
      `drop user if exists ''@'localhost'`, // matches every user who connects from this machine
      'create database app',
      `create user ${user} identified by '${password}'`,
      `grant all on *.* to ${user}`,
      '',
    ].join(';\n'),
  )
  const account = process.getuid?.() === 0 ? ['--user=root'] : []
  execFileSync('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, '--skip-test-db', ...account], {
    stdio: 'ignore',
  })
  const port = await freePort()
  const place = [`--datadir=${data}`, `--socket=${join(directory, 'socket')}`, `--init-file=${init}`]
  const network = [
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    `--port=${port}`,
    `--ssl-cert=${cert}`,
    `--ssl-key=${key}`,
  ]
  const memory = ['--innodb-buffer-pool-size=256M', '--skip-log-bin']
  const child = spawn(program, ['--no-defaults', ...account, ...place, ...network, ...memory], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  const ready = new Promise<void>((resolve) =>
    child.stderr.on('data', (chunk: Buffer) => chunk.includes('ready for connections') && resolve()),
  )
  const failed = exited.then(() => {
    throw new Error(`${program} ended before it was ready`)
  })
  failed.catch(() => {}) // later, stop() ends the server
  await Promise.race([ready, failed])
  return {
    url: `mysql://bench:${password}@127.0.0.1:${port}/app`,
    socketPath: join(directory, 'socket'),
    ca,
    async stop() {
      child.kill()
      await exited
      rmSync(directory, { recursive: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
