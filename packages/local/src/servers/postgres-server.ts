import { randomBytes } from 'node:crypto'
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BackendLogin } from '../backend'
import { DEFAULT_USERS } from '../defaults'
import { runStatements } from '../postgres/statements'
import { unprivilegedAccount } from './account'
import { runProgram, startDatabase } from './database-process'
import { withFreePort } from './free-port'
import { preparePostgresFiles } from './postgres-files'
import { createScratchDirectory } from './scratch-directory'
import { socketPath } from './socket-path'
import type { DatabaseServerOptions, DatabaseServerWithUsers } from './database-server'

const DATABASE = 'app'
const SUPERUSER = 'postgres'
const SOCKET_NAME = '.s.PGSQL.65535' // the longest there is

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
  const { users = DEFAULT_USERS, signal } = options
  const account = unprivilegedAccount()
  const directory = createScratchDirectory(account)
  try {
    const { initdb, postgres, env } = preparePostgresFiles(directory.path, account)
    const password = randomBytes(18).toString('base64url')
    const passwordFile = join(directory.path, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (account !== undefined) chownSync(passwordFile, account.uid, account.gid)
    const data = join(directory.path, 'data')
    // What initdb runs would die of a signal of its own, and leave shared memory behind.
    const program = { directory, account, env, signal, stopsItsOwn: true }
    await runProgram({ ...program, file: initdb, args: initdbArguments(data, passwordFile) })
    const directories = socketPath(directory.path, SOCKET_NAME) === undefined ? '' : directory.path
    const settings = Object.entries({ ...SETTINGS, unix_socket_directories: directories }).flatMap(
      ([name, value]) => ['-c', `${name}=${value}`],
    )
    const { port, server } = await withFreePort(async (candidate) => ({
      port: candidate,
      server: await startDatabase(
        { ...program, file: postgres, args: ['-D', data, '-p', String(candidate), ...settings] },
        'database system is ready to accept connections',
      ),
    }))
    const stop = async (): Promise<void> => {
      await server.stop('SIGINT') // a fast shutdown
      directory.remove()
    }
    const admin = { host: '127.0.0.1', port, user: SUPERUSER, password }
    const logins: Record<string, BackendLogin> = {}
    const addUsers = async (names: readonly string[]): Promise<void> => {
      const missing = names.filter((name) => !Object.hasOwn(logins, name))
      await runStatements({ ...admin, database: DATABASE }, userStatements(missing, password))
      for (const user of missing) logins[user] = { user, password }
    }
    try {
      await runStatements({ ...admin, database: 'postgres' }, [
        'CREATE ROLE rds_iam', // so that migrations written for RDS may grant it
        `CREATE DATABASE ${DATABASE}`,
      ])
      await addUsers(users)
      const [owner = SUPERUSER] = users
      await runStatements({ ...admin, database: DATABASE }, [
        `ALTER DATABASE ${DATABASE} OWNER TO ${identifier(owner)}`,
      ])
      signal?.throwIfAborted()
    } catch (error) {
      await stop()
      throw error
    }
    const url = `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/${DATABASE}`
    return {
      url,
      socketPath: directories === '' ? undefined : join(directories, `.s.PGSQL.${port}`),
      logins,
      addUsers,
      stop,
    }
  } catch (error) {
    directory.remove()
    throw error
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

function userStatements(users: readonly string[], password: string): string[] {
  return users.flatMap((user) => [
    ...(user === SUPERUSER ? [] : [`CREATE ROLE ${identifier(user)} LOGIN PASSWORD '${password}'`]),
    `GRANT rds_iam TO ${identifier(user)}`,
    `GRANT CREATE ON DATABASE ${DATABASE} TO ${identifier(user)}`,
    `GRANT CREATE ON SCHEMA public TO ${identifier(user)}`,
  ])
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
