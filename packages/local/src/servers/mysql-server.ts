import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseBackendUrl, type Backend } from '../backend'
import { runStatements } from '../mysql/statements'
import { runProgram, startDatabase, type DatabaseProcess, type DatabaseProgram } from './database-process'
import { startWithUsers, type DatabaseServerOptions, type DatabaseServerWithUsers } from './database-server'
import { withFreePort } from './free-port'
import { createScratchDirectory, type ScratchDirectory } from './scratch-directory'
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
export function startMysql(options: DatabaseServerOptions = {}): Promise<DatabaseServerWithUsers> {
  return startWithUsers(
    options,
    (settings) => new MysqlServer(settings),
    async (server) => {
      await server.initialize()
      await server.start(['--skip-log-bin'])
    },
  )
}

/** How a MariaDB or MySQL server is created. */
export interface MysqlOptions {
  /** Users of the database `app`. */
  users: readonly string[]
  /** Password of the administrator and of all users. */
  password: string
  /** Ends what is under way when it is aborted. */
  signal?: AbortSignal | undefined
}

/** The machine's MariaDB or MySQL in a directory of its own. It may be stopped and started again, on another port. */
export class MysqlServer {
  readonly #file: string
  readonly #directory: ScratchDirectory
  readonly #data: string
  readonly #options: MysqlOptions
  #process: DatabaseProcess | undefined
  #port = 0

  /** Creates the directory. @throws {Error} when the machine has no server. */
  constructor(options: MysqlOptions) {
    const file = findMysqlServer()
    if (file === undefined) throw new Error(HOW_TO_GET_ONE)
    this.#file = file
    this.#directory = createScratchDirectory()
    this.#data = join(this.#directory.path, 'data')
    this.#options = options
  }

  /** Address, administrator and database, as a URL. */
  get url(): string {
    return `mysql://${ADMIN}:${this.#options.password}@127.0.0.1:${this.#port}/${DATABASE}`
  }

  /** Path of the Unix-domain socket; undefined where there is none. */
  get socketPath(): string | undefined {
    return socketPath(this.#directory.path, SOCKET_NAME)
  }

  /** The server with the administrator's login. */
  get admin(): Backend {
    return parseBackendUrl('mysql', this.url)
  }

  /** Whether it is a MariaDB, and not a MySQL. */
  get isMariadb(): boolean {
    return isMariadb(this.#file)
  }

  /** Whether it was started, and not stopped. */
  get isRunning(): boolean {
    return this.#process !== undefined
  }

  /**
   * Creates the data, or copies it from a server that was never started. The first {@link start} creates database and
   * users.
   */
  async initialize(template?: MysqlServer): Promise<void> {
    if (template === undefined) await createDataDirectory(this.#program(), this.#data)
    else cpSync(template.#data, this.#data, { recursive: true })
    const { users, password } = this.#options
    writeFileSync(this.#initFile, initStatements(users, password), { mode: 0o600 })
  }

  /** Starts the server on a free port, with more arguments, and waits until it accepts connections. */
  async start(args: readonly string[]): Promise<void> {
    const initFile = existsSync(this.#initFile) ? [`--init-file=${this.#initFile}`] : []
    await withFreePort(async (port) => {
      const program = this.#program()
      const usual = ['--no-defaults', ...program.args, ...settings(this.#directory.path, this.#data, port)]
      this.#process = await startDatabase(
        { ...program, args: [...usual, ...initFile, ...args] },
        'ready for connections',
      )
      this.#port = port
    })
    rmSync(this.#initFile, { force: true })
  }

  /** Creates users of the database `app`. Skips the administrator, which exists already. */
  createUsers(users: readonly string[]): Promise<void> {
    return runStatements(this.admin, userStatements(users, this.#options.password))
  }

  /** Stops the server, if it runs. */
  async stop(): Promise<void> {
    await this.#process?.stop('SIGTERM')
    this.#process = undefined
  }

  /** Stops the server, if it runs, and removes its files. */
  async remove(): Promise<void> {
    await this.stop()
    this.#directory.remove()
  }

  get #initFile(): string {
    return join(this.#directory.path, 'init.sql')
  }

  #program(): DatabaseProgram {
    return {
      file: this.#file,
      directory: this.#directory,
      args: [
        // Where the account's name is asked for; without it a server refuses to run as root.
        ...(process.getuid?.() === 0 ? ['--user=root'] : []),
        '--loose-innodb-log-file-size=16M', // not 96 MB to write and to copy
      ],
      signal: this.#options.signal,
    }
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
    '--back-log=1024', // as for the endpoint: more connections at once wait a second for TCP's next attempt
    '--max-connect-errors=4294967295',
    '--character-set-server=utf8mb4',
    '--local-infile=1',
    '--loose-mysqlx=OFF', // MySQL's second port, always the same one
    // Durability is of no use to a database that lives as long as a test.
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=32M',
    '--skip-innodb-doublewrite',
  ]
}

/** Statements for `--init-file`, which takes one a line. */
function initStatements(users: readonly string[], password: string): string {
  return [
    'SET sql_log_bin = 0', // each server of a cluster does this by itself
    // Accounts of the installation, without a password.
    `DROP USER IF EXISTS ''@'localhost', 'root'@'localhost', 'root'@'127.0.0.1', 'root'@'::1'`,
    `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`,
    `CREATE USER ${account(ADMIN)} IDENTIFIED BY '${password}'`,
    ...userStatements(users, password),
    `GRANT ALL ON *.* TO ${account(ADMIN)} WITH GRANT OPTION`,
    '',
  ].join(';\n')
}

function userStatements(users: readonly string[], password: string): string[] {
  const created = users.filter((user) => user !== ADMIN)
  return created.flatMap((user) => [
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
