import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_USERS, DSQL_ADMIN, DSQL_DATABASE } from '../defaults'
import { runStatements, type StatementTarget } from '../postgres/statements'
import { unprivilegedAccount, type Account } from './account'
import { startWithUsers, type DatabaseServerOptions, type DatabaseServerWithUsers } from './database-server'
import { runProgram, startDatabase, type DatabaseProcess, type DatabaseProgram } from './database-process'
import { withFreePort } from './free-port'
import { preparePostgresFiles, type PostgresFiles } from './postgres-files'
import { createScratchDirectory, type ScratchDirectory } from './scratch-directory'
import { socketPath } from './socket-path'

const DATABASE = 'app'
/** The database that initdb creates. */
const INITIAL_DATABASE = 'postgres'
const SUPERUSER = 'postgres'
const LONGEST_SOCKET_NAME = '.s.PGSQL.65535'

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
export function startPostgres(options: DatabaseServerOptions = {}): Promise<DatabaseServerWithUsers> {
  return startServer(options, DATABASE)
}

/** Starts an embedded PostgreSQL as {@link startPostgres} does, with DSQL's database and its administrator. */
export function startDsqlServer(options: DatabaseServerOptions): Promise<DatabaseServerWithUsers> {
  const { users = DEFAULT_USERS } = options
  return startServer({ ...options, users: [...new Set([DSQL_ADMIN, ...users])] }, DSQL_DATABASE)
}

function startServer(options: DatabaseServerOptions, database: string): Promise<DatabaseServerWithUsers> {
  return startWithUsers(
    options,
    (settings) => new PostgresServer({ ...settings, database }),
    async (server, users) => {
      await server.initialize()
      await server.start()
      await server.createDatabase(users)
    },
  )
}

/** How a PostgreSQL server is created. */
export interface PostgresOptions {
  /** Password of the superuser and of all users. */
  password: string
  /** Database of the users. Default `app`. */
  database?: string
  /** Settings in addition to the usual ones. */
  settings?: Record<string, string>
  /** Ends what is under way when it is aborted. */
  signal?: AbortSignal | undefined
}

/** An embedded PostgreSQL in a directory of its own. It may be stopped and started again, on another port. */
export class PostgresServer {
  /** Directory of the data; it does not exist before {@link initialize}. */
  readonly data: string
  /** Account that the server runs as; undefined for this process's. */
  readonly account: Account | undefined
  readonly #directory: ScratchDirectory
  readonly #files: PostgresFiles
  readonly #options: PostgresOptions
  readonly #database: string
  #process: DatabaseProcess | undefined
  #port = 0

  /** Creates the directory. Nothing is left when this throws. */
  constructor(options: PostgresOptions) {
    this.#options = options
    this.#database = options.database ?? DATABASE
    this.account = unprivilegedAccount()
    this.#directory = createScratchDirectory(this.account)
    this.data = join(this.#directory.path, 'data')
    try {
      this.#files = preparePostgresFiles(this.#directory.path, this.account)
    } catch (error) {
      this.#directory.remove()
      throw error
    }
  }

  /** Address, administrator and database, as a URL. */
  get url(): string {
    return `postgresql://${SUPERUSER}:${this.#options.password}@127.0.0.1:${this.#port}/${this.#database}`
  }

  /** Path of the Unix-domain socket; undefined where there is none. */
  get socketPath(): string | undefined {
    const longest = socketPath(this.#directory.path, LONGEST_SOCKET_NAME)
    return longest === undefined ? undefined : join(this.#directory.path, `.s.PGSQL.${this.#port}`)
  }

  /** The superuser's login, in one of the databases. */
  admin(database = this.#database): StatementTarget {
    const { password } = this.#options
    return { host: '127.0.0.1', port: this.#port, user: SUPERUSER, password, database }
  }

  /** Creates the data with initdb. */
  async initialize(): Promise<void> {
    const passwordFile = join(this.#directory.path, 'password')
    writeFileSync(passwordFile, this.#options.password, { mode: 0o600 })
    if (this.account !== undefined) chownSync(passwordFile, this.account.uid, this.account.gid)
    const args = initdbArguments(this.data, passwordFile)
    await runProgram({ ...this.#program(), file: this.#files.initdb, args })
  }

  /** Starts the server on a free port, and waits until it accepts connections; a standby, read-only ones. */
  async start(): Promise<void> {
    const directories = this.socketPath === undefined ? '' : this.#directory.path
    const all = { ...SETTINGS, unix_socket_directories: directories, ...this.#options.settings }
    const settings = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    await withFreePort(async (port) => {
      const args = ['-D', this.data, '-p', String(port), ...settings]
      const program = { ...this.#program(), file: this.#files.postgres, args }
      this.#process = await startDatabase(program, 'database system is ready to accept')
      this.#port = port
    })
  }

  /** Creates the database, unless initdb has created it, and its users. */
  async createDatabase(users: readonly string[]): Promise<void> {
    const database = this.#database
    await runStatements(this.admin(INITIAL_DATABASE), [
      'CREATE ROLE rds_iam', // so that migrations written for RDS may grant it
      ...(database === INITIAL_DATABASE ? [] : [`CREATE DATABASE ${database}`]),
    ])
    const [owner = SUPERUSER] = users
    await this.createUsers(users)
    await this.run([`ALTER DATABASE ${database} OWNER TO ${identifier(owner)}`])
  }

  /** Creates users of the database and lets them log in with IAM. The superuser exists already. */
  createUsers(users: readonly string[]): Promise<void> {
    return this.run(userStatements(users, this.#options.password, this.#database))
  }

  /** Runs statements as the superuser. */
  run(statements: readonly string[], database = this.#database): Promise<void> {
    return runStatements(this.admin(database), statements)
  }

  /** Stops the server, if it runs, by a fast shutdown. */
  async stop(): Promise<void> {
    await this.#process?.stop('SIGINT')
    this.#process = undefined
  }

  /** Stops the server, if it runs, and removes its files. */
  async remove(): Promise<void> {
    await this.stop()
    this.#directory.remove()
  }

  #program(): Omit<DatabaseProgram, 'file' | 'args'> {
    const { signal } = this.#options
    // What initdb runs would die of a signal of its own, and leave shared memory behind.
    return {
      directory: this.#directory,
      account: this.account,
      env: this.#files.env,
      signal,
      stopsItsOwn: true,
    }
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

function userStatements(users: readonly string[], password: string, database: string): string[] {
  return users.flatMap((user) => [
    ...(user === SUPERUSER ? [] : [`CREATE ROLE ${identifier(user)} LOGIN PASSWORD '${password}'`]),
    `GRANT rds_iam TO ${identifier(user)}`,
    `GRANT CREATE ON DATABASE ${database} TO ${identifier(user)}`,
    `GRANT CREATE ON SCHEMA public TO ${identifier(user)}`,
  ])
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
