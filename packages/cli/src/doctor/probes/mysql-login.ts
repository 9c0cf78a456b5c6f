import { mysql2Config } from '@rds-iam/core/mysql2'
import type { DriverOptions, LoginProbe } from './login'
import { LOGIN_LIMIT_MS } from './limits'

interface MysqlError extends Error {
  code?: string
  errno?: number
}

/** Logs in with mysql2. */
export async function logInToMysql(options: DriverOptions): Promise<LoginProbe> {
  const { createConnection } = require('mysql2/promise') as typeof import('mysql2/promise')
  const config = mysql2Config(options)
  const { mysql_clear_password: clearPassword } = config.authPlugins
  let asked: string | undefined
  const asking = (): { asked?: string } => (asked === undefined ? {} : { asked })
  const watching = (login: Parameters<typeof clearPassword>[0]) => {
    asked = 'cleartext'
    return clearPassword(login)
  }
  let connection
  try {
    const settings = {
      ...config,
      authPlugins: { mysql_clear_password: watching },
      connectTimeout: LOGIN_LIMIT_MS,
    }
    connection = await createConnection(settings as Parameters<typeof createConnection>[0])
  } catch (error) {
    const { code, errno, message } = error as MysqlError
    return { observation: { ...asking(), error: { code: String(errno ?? code ?? 'unknown'), message } } }
  }
  try {
    const [rows] = await connection.query('select version() as version, @@read_only as readOnly')
    const [row] = rows as { version: string; readOnly: number }[]
    const name = /mariadb/i.test(row?.version ?? '') ? 'MariaDB' : 'MySQL'
    const version = `${name} ${/^[\d.]+/.exec(row?.version ?? '')?.[0] ?? ''}`
    return {
      observation: asking(),
      server: { version, isReader: Boolean(row?.readOnly) || (await isAuroraReader(connection)) },
    }
  } catch {
    return { observation: asking() }
  } finally {
    await connection.end()
  }
}

/** Aurora's readers say it of InnoDB alone; MariaDB has another such variable. */
async function isAuroraReader(connection: { query(sql: string): Promise<unknown> }): Promise<boolean> {
  const [rows] = (await connection.query("show global variables like 'innodb_read_only'")) as [
    { Value?: string }[],
  ]
  return rows[0]?.Value === 'ON'
}
