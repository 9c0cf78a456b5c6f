import { existsSync, realpathSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'

/** The two families of MySQL clients; each has its own options to verify a server. */
export type MysqlClient = 'mysql' | 'mariadb'

const CLIENTS = /^(?:mysql|mariadb-?)(?:dump|admin|import|show|check|slap|pump)?$/

/**
 * The family of a MySQL client; undefined for every other command. MariaDB's packages install `mysql` as a link to
 * `mariadb`.
 */
export function mysqlClientOf(command: string, path: string): MysqlClient | undefined {
  if (!CLIENTS.test(basename(command))) return undefined
  const found = findProgram(command, path)
  return basename(found ? realpathSync(found) : command).startsWith('mariadb') ? 'mariadb' : 'mysql'
}

function findProgram(command: string, path: string): string | undefined {
  const candidates = /[\\/]/.test(command)
    ? [command]
    : path.split(delimiter).map((directory) => join(directory, command))
  return candidates.find((file) => existsSync(file))
}

/** Whether the arguments of a MySQL client say which files to read. Such an argument must be the first. */
export function choosesDefaults([first = '']: readonly string[]): boolean {
  return /^--(?:defaults-|no-defaults|login-path|print-defaults)/.test(first)
}
