import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { findMysqlServer, startMysql, type DatabaseServer } from '@rds-iam/local'

/** A MySQL or MariaDB server for the tests: MYSQL_URL, an installed server, one from apt, or one in Docker. */
export async function startTestMysql(): Promise<DatabaseServer> {
  const given = process.env['MYSQL_URL']
  if (given) return { url: given, stop: async () => {} }
  const server = (await startMachines()) ?? (installWithApt() ? await startMysql() : await startWithDocker())
  if (server) return server
  throw new Error(
    'The tests need a MySQL or MariaDB server: set MYSQL_URL, or install mariadb-server, or make apt (as root) or Docker available',
  )
}

/** The installed server; undefined if it is missing or incomplete. */
async function startMachines(): Promise<DatabaseServer | undefined> {
  return findMysqlServer() ? startMysql().catch(() => undefined) : undefined
}

function installWithApt(): boolean {
  if (process.getuid?.() !== 0 || !runs('apt-get', ['--version'])) return false
  console.error('Installing MariaDB with apt-get …')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  apt('update', '-qq')
  // Install only the programs, and the client because the setup needs it: mariadb-server would also start a service.
  apt('install', '-y', '-qq', '--no-install-recommends', 'mariadb-server-core', 'mariadb-client-core')
  return findMysqlServer() !== undefined
}

async function startWithDocker(): Promise<DatabaseServer | undefined> {
  if (!runs('docker', ['info'])) return undefined
  const password = randomBytes(12).toString('hex')
  const name = `rds-iam-test-${randomBytes(6).toString('hex')}`
  const settings = [
    '-e',
    `MARIADB_ROOT_PASSWORD=${password}`,
    '-e',
    'MARIADB_DATABASE=app',
    '-p',
    '127.0.0.1::3306',
  ]
  execFileSync('docker', ['run', '--rm', '-d', '--name', name, ...settings, 'mariadb:11.8'], {
    stdio: 'ignore',
  })
  const stop = async () => void spawnSync('docker', ['rm', '-f', name], { stdio: 'ignore' })
  try {
    const port = Number(
      execFileSync('docker', ['port', name, '3306/tcp'], { encoding: 'utf8' }).trim().split(':').pop(),
    )
    await answers(port)
    return { url: `mysql://root:${password}@127.0.0.1:${port}/app`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Waits until a server sends its greeting. Docker opens the port long before that. */
async function answers(port: number): Promise<void> {
  const deadline = Date.now() + 120_000
  while (Date.now() < deadline) {
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket
        .once('data', () => resolve(true))
        .once('close', () => resolve(false))
        .once('error', () => resolve(false))
      socket.setTimeout(2_000, () => socket.destroy())
    })
    if (greeted) return
    await delay(500)
  }
  throw new Error('the MariaDB container did not answer within two minutes')
}

function runs(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
