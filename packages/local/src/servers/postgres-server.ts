import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runStatements } from '../postgres/statements'
import { unprivilegedAccount } from './account'
import {
  ManagedServer,
  type DatabaseServerOptions,
  type DatabaseServerWithUsers,
  type ServerOptions,
} from './database-server'
import { preparePostgresFiles, type PostgresFiles } from './postgres-files'

const DATABASE = 'app'
/** The database that initdb creates. */
const INITIAL_DATABASE = 'postgres'
const SUPERUSER = 'postgres'

// Durability is of no use to a database that lives as long as a test.
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: '1100',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/**
 * Starts an embedded PostgreSQL on a free port of 127.0.0.1, with a database `app` and the given users.
 *
 * The first user owns the database, all may create tables in it. Its files lie in a private temporary directory.
 * As root it runs as an unprivileged account that exists already.
 * @throws {Error} when PostgreSQL cannot be run; nothing is left then.
 */
export async function startPostgres(options: DatabaseServerOptions = {}): Promise<DatabaseServerWithUsers> {
  const server = await new PostgresServer(options).create()
  return server.handle
}

/** How a PostgreSQL server is created. */
export interface PostgresOptions extends ServerOptions {
  /** Database of the users. Default `app`. */
  database?: string
  /** Settings in addition to the usual ones. */
  settings?: Record<string, string>
}

/** An embedded PostgreSQL. */
export class PostgresServer extends ManagedServer {
  readonly #settings: Record<string, string>
  readonly #users: readonly string[]
  #files: PostgresFiles | undefined

  constructor({ database = DATABASE, settings = {}, ...options }: PostgresOptions) {
    const kind = { scheme: 'postgresql', admin: SUPERUSER, database, stopSignal: 'SIGINT' } as const
    // Signal only initdb. A signal to its child processes would kill them, and they would leave shared memory behind.
    super(options, { ...kind, stopsItsOwn: true }, unprivilegedAccount())
    this.#settings = settings
    this.#users = Object.keys(this.logins)
  }

  /** Creates the data with initdb. */
  async initialize(): Promise<void> {
    const passwordFile = join(this.directory.path, 'password')
    writeFileSync(passwordFile, this.password, { mode: 0o600 })
    if (this.account !== undefined) chownSync(passwordFile, this.account.uid, this.account.gid)
    await this.runProgram(this.#programs.initdb, initdbArguments(this.data, passwordFile))
  }

  /** Starts the server on a free port, and waits until it accepts connections; a standby, read-only ones. */
  start(): Promise<void> {
    return this.launch(this.#programs.postgres, 'database system is ready to accept', (port) => {
      const hasSocket = this.directory.socketPath(this.socketName(port)) !== undefined
      const directories = hasSocket ? this.directory.path : ''
      const all = { ...SETTINGS, unix_socket_directories: directories, ...this.#settings }
      const settings = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      return ['-D', this.data, '-p', String(port), ...settings]
    })
  }

  /** Creates the database, unless initdb has created it, and its users. */
  async createDatabase(): Promise<void> {
    const { database } = this.admin
    const [owner = SUPERUSER] = this.#users
    await this.run(
      [
        'CREATE ROLE rds_iam', // so that migrations written for RDS may grant it
        ...(database === INITIAL_DATABASE ? [] : [`CREATE DATABASE ${database}`]),
      ],
      INITIAL_DATABASE,
    )
    await this.run([
      ...this.userStatements(this.#users),
      `ALTER DATABASE ${database} OWNER TO ${identifier(owner)}`,
    ])
  }

  /** Runs statements as the superuser. */
  run(statements: readonly string[], database = this.admin.database): Promise<void> {
    return runStatements({ ...this.admin, database }, statements)
  }

  protected async setUp(): Promise<void> {
    await this.initialize()
    await this.start()
    await this.createDatabase()
  }

  protected userStatements(users: readonly string[]): string[] {
    return users.flatMap((user) => [
      ...(user === SUPERUSER ? [] : [`CREATE ROLE ${identifier(user)} LOGIN PASSWORD '${this.password}'`]),
      `GRANT rds_iam TO ${identifier(user)}`,
      `GRANT CREATE ON DATABASE ${this.admin.database} TO ${identifier(user)}`,
      `GRANT CREATE ON SCHEMA public TO ${identifier(user)}`,
    ])
  }

  protected socketName(port: number): string {
    return `.s.PGSQL.${port}`
  }

  protected override get env(): Record<string, string> {
    return this.#programs.env
  }

  get #programs(): PostgresFiles {
    this.#files ??= preparePostgresFiles(this.directory.path, this.account)
    return this.#files
  }
}

function initdbArguments(data: string, passwordFile: string): string[] {
  return [
    `--pgdata=${data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ]
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
