import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runStatements } from '../mysql/statements'
import {
  ManagedServer,
  type DatabaseServerOptions,
  type DatabaseServerWithUsers,
  type ServerOptions,
} from './database-server'

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

const SETTINGS = [
  '--bind-address=127.0.0.1',
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
  const server = await new MysqlServer(options).create()
  return server.handle
}

/** The machine's MariaDB or MySQL. */
export class MysqlServer extends ManagedServer {
  readonly #file: string

  /** @throws {Error} when the machine has no server. */
  constructor(options: ServerOptions) {
    const file = findMysqlServer()
    if (file === undefined) throw new Error(HOW_TO_GET_ONE)
    super(options, { scheme: 'mysql', admin: ADMIN, database: DATABASE, stopSignal: 'SIGTERM' })
    this.#file = file
  }

  /** Whether it is a MariaDB, and not a MySQL. */
  get isMariadb(): boolean {
    return /mariadb/i.test(spawnSync(this.#file, ['--no-defaults', '--version'], { encoding: 'utf8' }).stdout)
  }

  /**
   * Creates the data, or copies it from a server that was never started. The first {@link start} creates database and
   * users.
   */
  async initialize(template?: MysqlServer): Promise<void> {
    if (template === undefined) await this.#createData()
    else cpSync(template.data, this.data, { recursive: true })
    writeFileSync(this.#initFile, this.#initStatements(), { mode: 0o600 })
  }

  /** Starts the server on a free port, with more arguments, and waits until it accepts connections. */
  async start(args: readonly string[]): Promise<void> {
    const initFile = existsSync(this.#initFile) ? [`--init-file=${this.#initFile}`] : []
    await this.launch(this.#file, 'ready for connections', (port) => [
      '--no-defaults',
      ...commonArguments(),
      `--datadir=${this.data}`,
      `--tmpdir=${this.directory.path}`,
      `--socket=${this.socketPath ?? ''}`,
      `--pid-file=${join(this.directory.path, 'mysql.pid')}`,
      `--port=${port}`,
      ...SETTINGS,
      ...initFile,
      ...args,
    ])
    rmSync(this.#initFile, { force: true })
  }

  run(statements: readonly string[]): Promise<void> {
    return runStatements(this.admin, statements)
  }

  protected async setUp(): Promise<void> {
    await this.initialize()
    await this.start(['--skip-log-bin'])
  }

  protected userStatements(users: readonly string[]): string[] {
    const created = users.filter((user) => user !== ADMIN)
    return created.flatMap((user) => [
      `CREATE USER ${account(user)} IDENTIFIED BY '${this.password}'`,
      `GRANT ALL ON ${DATABASE}.* TO ${account(user)}`,
    ])
  }

  protected socketName(): string {
    return 'mysql.sock'
  }

  get #initFile(): string {
    return join(this.directory.path, 'init.sql')
  }

  /** Statements for `--init-file`, which takes one a line. */
  #initStatements(): string {
    return [
      'SET sql_log_bin = 0', // each server of a cluster does this by itself
      // Accounts of the installation, without a password.
      `DROP USER IF EXISTS ''@'localhost', 'root'@'localhost', 'root'@'127.0.0.1', 'root'@'::1'`,
      `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`,
      `CREATE USER ${account(ADMIN)} IDENTIFIED BY '${this.password}'`,
      ...this.userStatements(Object.keys(this.logins)),
      `GRANT ALL ON *.* TO ${account(ADMIN)} WITH GRANT OPTION`,
      '',
    ].join(';\n')
  }

  #createData(): Promise<void> {
    const datadir = `--datadir=${this.data}`
    const run = (file: string, ...args: string[]): Promise<void> =>
      this.runProgram(file, ['--no-defaults', ...args, ...commonArguments()])
    if (!this.isMariadb) return run(this.#file, '--initialize-insecure', datadir)
    const installer = findProgram('mariadb-install-db') ?? findProgram('mysql_install_db')
    if (installer === undefined)
      throw new Error(`${this.#file} was found without mariadb-install-db, which creates its system tables`)
    return run(
      installer,
      '--rpm', // otherwise it makes this server's account the owner of the machine's PAM tool
      datadir,
      '--skip-test-db',
      '--auth-root-authentication-method=socket',
    )
  }
}

/** Arguments of the server, and of the program that creates its data. */
function commonArguments(): string[] {
  return [
    // As root, the server refuses to start without `--user`.
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    '--loose-innodb-log-file-size=16M', // not 96 MB to write and to copy
  ]
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

function account(user: string): string {
  return `${quote(user)}@'%'`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
