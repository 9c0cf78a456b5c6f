import type { Cause } from '../finding'
import { databaseOf, type Subject } from '../subject'

/** An error as the server or the driver reports it. */
export interface ServerError {
  /** SQLSTATE of PostgreSQL, number of MySQL, or a system's or driver's code. */
  code: string
  message: string
}

const TOO_MANY = ['53300', '1040', '1203', '1226']
const NO_DATABASE = ['3D000', '1049']
const DATABASE_DENIED = ['42501', '1044']

/** The causes that a server's error names by itself, the likeliest first; none where it says too little. */
export function namedCauses(subject: Subject, { code, message }: ServerError): Cause[] {
  if (TOO_MANY.includes(code)) {
    const fix =
      'Close idle connections and make pools smaller, raise max_connections (parameter group) or the limit of the\n' +
      'user, or put RDS Proxy in front.'
    return [{ code: 'TOO_MANY_CONNECTIONS', why: message, fix }]
  }
  if (NO_DATABASE.includes(code)) return [databaseUnknown(subject, message)]
  if (DATABASE_DENIED.includes(code)) {
    // MySQL says the same of a database that is not there to whoever may not know.
    const denied = databaseDenied(subject, message)
    return code === '1044' ? [databaseUnknown(subject, message), denied] : [denied]
  }
  return []
}

function databaseUnknown(subject: Subject, why: string): Cause {
  const list = subject.engine === 'postgres' ? 'SELECT datname FROM pg_database;' : 'SHOW DATABASES;'
  return {
    code: 'DATABASE_UNKNOWN',
    why,
    fix: `--database with one that exists (${list}), or CREATE DATABASE ${quoted(subject, databaseOf(subject) ?? '')};`,
  }
}

function databaseDenied(subject: Subject, why: string): Cause {
  const database = quoted(subject, databaseOf(subject) ?? '')
  const fix =
    subject.engine === 'postgres'
      ? `GRANT CONNECT ON DATABASE ${database} TO ${quoted(subject, subject.user)};`
      : `GRANT SELECT ON ${database}.* TO '${subject.user.replaceAll("'", "''")}'@'%';`
  return { code: 'DATABASE_NOT_ALLOWED', why, fix }
}

function quoted({ engine }: Subject, name: string): string {
  return engine === 'postgres' ? `"${name.replaceAll('"', '""')}"` : `\`${name.replaceAll('`', '``')}\``
}
