import { existsSync, realpathSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'

/** The two families of clients, which differ in how they are told to verify a server. */
export type MysqlClient = 'mysql' | 'mariadb'

const CLIENTS = /^(?:mysql|mariadb-?)(?:dump|admin|import|show|check|slap|pump)?$/

/**
 * Which family's client a command is; undefined for every other command. Where MariaDB takes MySQL's place
 * `mysql` is a link to `mariadb`.
 */
export function mysqlClientOf(command: string, path: string): MysqlClient | undefined {
  if (!CLIENTS.test(basename(command))) return undefined
  const candidates = command.includes('/')
    ? [command]
    : path.split(delimiter).map((directory) => join(directory, command))
  const found = candidates.find((file) => existsSync(file))
  return basename(found ? realpathSync(found) : command).startsWith('mariadb') ? 'mariadb' : 'mysql'
}

/** Whether a client's arguments say themselves which files it reads, which must come first. */
export function choosesDefaults([first = '']: readonly string[]): boolean {
  return /^--(?:defaults-|no-defaults|login-path|print-defaults)/.test(first)
}
