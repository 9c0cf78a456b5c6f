import { isDsql, type LoginOptions } from '../../login/options'
import { databaseOf } from '../facts'
import type { Cause } from '../finding'

/** An error as the server or the driver reports it. */
export interface ServerError {
  /** SQLSTATE of PostgreSQL, number of MySQL, or a system's or driver's code. */
  code: string
  message: string
}

const TOO_MANY = ['53300', '1040', '1203', '1226']
const NO_DATABASE = ['3D000', '1049']
const DATABASE_DENIED = ['42501', '1044']

/** The causes that a server's error names, the likeliest first. Empty if the error does not tell one. */
export function namedCauses(options: LoginOptions, { code, message }: ServerError): Cause[] {
  if (TOO_MANY.includes(code)) {
    const fix = isDsql((options.endpoint ?? options.dial).host)
      ? 'Close idle connections and make pools smaller, or ask for a higher quota of Aurora DSQL.'
      : 'Close idle connections and make pools smaller, raise max_connections (parameter group) or the limit of the\n' +
        'user, or put RDS Proxy in front.'
    return [{ code: 'TOO_MANY_CONNECTIONS', why: message, fix }]
  }
  if (NO_DATABASE.includes(code)) return [databaseUnknown(options, message)]
  if (DATABASE_DENIED.includes(code)) {
    // MySQL reports a missing database like this to users without privileges.
    const denied = databaseDenied(options, message)
    return code === '1044' ? [databaseUnknown(options, message), denied] : [denied]
  }
  return []
}

function databaseUnknown(options: LoginOptions, why: string): Cause {
  if (isDsql((options.endpoint ?? options.dial).host))
    return {
      code: 'DATABASE_UNKNOWN',
      why,
      fix: '--database postgres: a cluster of Aurora DSQL has no other.',
    }
  const list = options.engine === 'postgres' ? 'SELECT datname FROM pg_database;' : 'SHOW DATABASES;'
  return {
    code: 'DATABASE_UNKNOWN',
    why,
    fix: `--database with one that exists (${list}), or CREATE DATABASE ${quoted(options, databaseOf(options) ?? '')};`,
  }
}

function databaseDenied(options: LoginOptions, why: string): Cause {
  const database = quoted(options, databaseOf(options) ?? '')
  const fix =
    options.engine === 'postgres'
      ? `GRANT CONNECT ON DATABASE ${database} TO ${quoted(options, options.user)};`
      : `GRANT SELECT ON ${database}.* TO '${options.user.replaceAll("'", "''")}'@'%';`
  return { code: 'DATABASE_NOT_ALLOWED', why, fix }
}

function quoted({ engine }: LoginOptions, name: string): string {
  return engine === 'postgres' ? `"${name.replaceAll('"', '""')}"` : `\`${name.replaceAll('`', '``')}\``
}
