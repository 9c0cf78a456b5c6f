import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseBackendUrl } from '../backend'
import { DEFAULT_USERS } from '../defaults'
import { runStatements } from '../mysql/statements'
import { runProgram, startDatabase, type DatabaseProgram } from './database-process'
import type { DatabaseServerOptions, DatabaseServerWithUsers } from './database-server'
import { withFreePort } from './free-port'
import { createScratchDirectory } from './scratch-directory'
import { socketPath } from './socket-path'

const SOCKET_NAME = 'mysql.sock'
const DATABASE = 'app'
const ADMIN = 'admin'

// Beyond PATH: where packages put a server that only root is expected to start.
const DIRECTORIES = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/local/mysql/bin',
  '/usr/libexec',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/opt/mysql/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/opt/mysql/bin',
]

const HOW_TO_GET_ONE =
  'no mysqld or mariadbd was found on this machine: install one (Debian and Ubuntu: apt-get install mariadb-server; ' +
  'macOS: brew install mariadb), or give a MySQL of your own as backend (mysql://user:password@host:port/database)'

/**
 * Starts the machine's MariaDB or MySQL on a free port of 127.0.0.1, with a database `app` and the given users.
 *
 * All users may do anything in the database. Its files lie in a private temporary directory; a server that the
 * machine runs already is not touched.
 * @throws {Error} when there is none, or it does not start; nothing is left then.
 */
export async function startMysql(options: DatabaseServerOptions = {}): Promise<DatabaseServerWithUsers> {
  const { users = DEFAULT_USERS, signal } = options
  const file = findMysqlServer()
  if (file === undefined) throw new Error(HOW_TO_GET_ONE)
  const directory = createScratchDirectory()
  try {
    const password = randomBytes(18).toString('base64url')
    const data = join(directory.path, 'data')
    // Where the account's name is asked for; without it a server refuses to run as root.
    const asRoot = process.getuid?.() === 0 ? ['--user=root'] : []
    await createDataDirectory({ file, directory, args: asRoot, signal }, data)
    const initFile = join(directory.path, 'init.sql')
    writeFileSync(initFile, initStatements(users, password), { mode: 0o600 })
    const { port, server } = await withFreePort(async (candidate) => ({
      port: candidate,
      server: await startDatabase(
        {
          file,
          directory,
          signal,
          args: [
            '--no-defaults',
            ...asRoot,
            ...settings(directory.path, data, candidate),
            `--init-file=${initFile}`,
          ],
        },
        'ready for connections',
      ),
    }))
    const url = `mysql://${ADMIN}:${password}@127.0.0.1:${port}/${DATABASE}`
    const logins = Object.fromEntries(users.map((user) => [user, { user, password }]))
    return {
      url,
      socketPath: socketPath(directory.path, SOCKET_NAME),
      logins,
      async addUsers(names) {
        const missing = names.filter((name) => !Object.hasOwn(logins, name))
        const created = missing.filter((name) => name !== ADMIN)
        await runStatements(parseBackendUrl('mysql', url), userStatements(created, password))
        for (const user of missing) logins[user] = { user, password }
      },
      async stop() {
        await server.stop('SIGTERM')
        directory.remove()
      },
    }
  } catch (error) {
    directory.remove()
    throw error
  }
}

/** Finds the machine's mariadbd or mysqld, in PATH and where packages put it. Gives its path, or undefined. */
export function findMysqlServer(): string | undefined {
  return findProgram('mariadbd') ?? findProgram('mysqld')
}

/** Finds a program in PATH and in the usual places beyond it. */
function findProgram(name: string): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '')
  const file = process.platform === 'win32' ? `${name}.exe` : name
  return [...path, ...DIRECTORIES]
    .map((directory) => join(directory, file))
    .find((candidate) => existsSync(candidate))
}

async function createDataDirectory(server: DatabaseProgram, data: string): Promise<void> {
  const run = (file: string, ...args: string[]): Promise<void> =>
    runProgram({ ...server, file, args: ['--no-defaults', ...args, ...server.args] })
  if (!isMariadb(server.file)) return run(server.file, '--initialize-insecure', `--datadir=${data}`)
  const installer = findProgram('mariadb-install-db') ?? findProgram('mysql_install_db')
  if (installer === undefined)
    throw new Error(`${server.file} was found without mariadb-install-db, which creates its system tables`)
  return run(
    installer,
    '--rpm', // or it would give the machine's PAM tool to the account of this server
    `--datadir=${data}`,
    '--skip-test-db',
    '--auth-root-authentication-method=socket',
  )
}

function isMariadb(server: string): boolean {
  return /mariadb/i.test(spawnSync(server, ['--no-defaults', '--version'], { encoding: 'utf8' }).stdout)
}

function settings(directory: string, data: string, port: number): string[] {
  return [
    `--datadir=${data}`,
    `--tmpdir=${directory}`,
    `--socket=${socketPath(directory, SOCKET_NAME) ?? ''}`,
    `--pid-file=${join(directory, 'mysql.pid')}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--max-connections=500',
    '--max-connect-errors=4294967295',
    '--character-set-server=utf8mb4',
    '--local-infile=1',
    '--loose-mysqlx=OFF', // MySQL's second port, always the same one
    // Durability is of no use to a database that lives as long as a test.
    '--skip-log-bin',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=32M',
    '--skip-innodb-doublewrite',
  ]
}

/** Statements for `--init-file`, which takes one a line. */
function initStatements(users: readonly string[], password: string): string {
  return [
    // Accounts of the installation, without a password.
    `DROP USER IF EXISTS ''@'localhost', 'root'@'localhost', 'root'@'127.0.0.1', 'root'@'::1'`,
    `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`,
    ...userStatements([ADMIN, ...users.filter((user) => user !== ADMIN)], password),
    `GRANT ALL ON *.* TO ${account(ADMIN)} WITH GRANT OPTION`,
    '',
  ].join(';\n')
}

function userStatements(users: readonly string[], password: string): string[] {
  return users.flatMap((user) => [
    `CREATE USER ${account(user)} IDENTIFIED BY '${password}'`,
    `GRANT ALL ON ${DATABASE}.* TO ${account(user)}`,
  ])
}

function account(user: string): string {
  return `${quote(user)}@'%'`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
