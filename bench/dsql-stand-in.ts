import { readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { HUNDRED_ROWS } from './hundred-rows'
import { startPostgresWithTls } from './servers'

/**
 * A PostgreSQL server for the Aurora DSQL connector. RDS endpoints do not accept the connector's tokens, so this server
 * requires none. The baseline logs in to the same server as the same user.
 */
export interface DsqlStandIn {
  /** An IP address: the connector reads a name without a dot as the id of a cluster. */
  host: string
  port: number
  user: string
  database: string
  ssl: { ca: string; servername: string }
  stop(): Promise<void>
}

const USER = 'dsql'

export async function startDsqlStandIn(): Promise<DsqlStandIn> {
  const server = await startPostgresWithTls()
  try {
    await allowWithoutPassword(server.url)
  } catch (error) {
    await server.stop()
    throw error
  }
  const { port, pathname } = new URL(server.url)
  return {
    host: '127.0.0.1',
    port: Number(port),
    user: USER,
    database: pathname.slice(1),
    ssl: { ca: server.ca, servername: 'localhost' },
    stop: () => server.stop(),
  }
}

async function allowWithoutPassword(url: string): Promise<void> {
  const admin = new pg.Client(url)
  await admin.connect()
  await admin.query(`create role ${USER} login`)
  await admin.query(HUNDRED_ROWS)
  await admin.query('grant select on hundred to public')
  const { rows } = await admin.query<{ hba_file: string }>('show hba_file')
  const file = rows[0]?.hba_file ?? ''
  writeFileSync(file, `hostssl all ${USER} 127.0.0.1/32 trust\n${readFileSync(file, 'utf8')}`)
  await admin.query('select pg_reload_conf()')
  const isRead = async () => {
    const { rows } = await admin.query(`select 1 from pg_hba_file_rules where auth_method = 'trust'`)
    return rows.length > 0
  }
  while (!(await isRead())) await admin.query('select pg_sleep(0.05)')
  await admin.end()
}
