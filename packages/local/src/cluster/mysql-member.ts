import type { Backend } from '../backend'
import type { RewriteStatement } from '../login'
import { runStatements, withSession } from '../mysql/statements'
import { samePassword } from '../servers/database-server'
import { MysqlServer } from '../servers/mysql-server'
import type { ClusterServerOptions, MemberStatus, ReplicatedServer } from './member'

/** Arguments of all servers: everything that was ever written remains in the binary log, for a new reader to repeat. */
const ARGUMENTS = ['--log-bin=binlog', '--binlog-format=ROW', '--log-slave-updates', '--skip-slave-start']

/** A MariaDB of a cluster. Readers replicate by GTID. */
export class MysqlMember implements ReplicatedServer {
  readonly rewrite: RewriteStatement | undefined
  readonly #arguments: string[]
  readonly #options: ClusterServerOptions
  readonly #server: MysqlServer
  readonly #template: MysqlServer
  #members: readonly MemberStatus[] = []
  #exists = false

  /** @param template a server that was initialized and is never started. */
  constructor(id: string, number: number, template: MysqlServer, options: ClusterServerOptions) {
    this.#arguments = [...ARGUMENTS, `--server-id=${number}`]
    this.#options = options
    this.#template = template
    this.#server = new MysqlServer(options)
    if (options.aurora) this.rewrite = (statement) => rewriteForAurora(statement, id, this.#members)
  }

  get backend(): Backend {
    const { socketPath, admin } = this.#server
    const { users, password } = this.#options
    return {
      ...admin,
      logins: samePassword(users, password),
      ...(socketPath === undefined ? {} : { socketPath }),
      countsDroppedLogins: false,
    }
  }

  startWriter(): Promise<void> {
    return this.#start()
  }

  async startReader(writer: MysqlMember): Promise<void> {
    await this.#start('--read-only')
    // A former writer continues after its own transactions.
    await this.#run('SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_current_pos')
    await this.#replicate(writer)
  }

  async promote(): Promise<void> {
    await withSession(this.#server.admin, async (query) => {
      // The old writer is down: this ends when everything that it sent is received.
      while ((await query('SHOW SLAVE STATUS'))[0]?.['Slave_IO_Running'] === 'Yes')
        await query('SELECT SLEEP(0.005)')
      const [status] = await query('SHOW SLAVE STATUS')
      await query(`SELECT MASTER_GTID_WAIT('${status?.['Gtid_IO_Pos'] ?? ''}', 30)`)
      await query('STOP SLAVE')
      await query('RESET SLAVE ALL')
      await query('SET GLOBAL read_only = 0')
    })
  }

  async follow(writer: MysqlMember): Promise<void> {
    await this.#run('STOP SLAVE')
    await this.#replicate(writer)
  }

  async untilFollowing(writer: MysqlMember): Promise<void> {
    const [row] = await withSession(writer.#server.admin, (query) =>
      query('SELECT @@GLOBAL.gtid_binlog_pos AS position'),
    )
    await withSession(this.#server.admin, async (query) => {
      while ((await query('SHOW SLAVE STATUS'))[0]?.['Slave_IO_Running'] !== 'Yes')
        await query('SELECT SLEEP(0.005)')
      await query(`SELECT MASTER_GTID_WAIT('${row?.['position'] ?? ''}', 30)`)
    })
  }

  report(members: readonly MemberStatus[]): void {
    this.#members = members
  }

  async stop(): Promise<void> {
    // It may end before it answers.
    if (this.#server.isRunning) await this.#run('SHUTDOWN WAIT FOR ALL SLAVES').catch(() => {})
    await this.#server.stop()
  }

  remove(): Promise<void> {
    return this.#server.remove()
  }

  async #start(...more: string[]): Promise<void> {
    if (!this.#exists) await this.#server.initialize(this.#template)
    this.#exists = true
    await this.#server.start([...this.#arguments, ...more])
  }

  /** Starts to replicate from a writer. */
  async #replicate(writer: MysqlMember): Promise<void> {
    const { host, port, login } = writer.#server.admin
    await this.#run(
      `CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${port}, MASTER_USER = '${login.user}',
         MASTER_PASSWORD = '${login.password}', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1,
         MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0`,
      'START SLAVE',
    )
  }

  #run(...statements: string[]): Promise<void> {
    return runStatements(this.#server.admin, statements)
  }
}

const SERVER_ID = /@@(?:(?:global|session)\.)?aurora_server_id\b/gi
const READ_ONLY = /@@(?:(?:global|session)\.)?innodb_read_only\b/gi
const HOST_STATUS = /\binformation_schema\.replica_host_status\b/gi
const SHOW_VERSION = /^\s*show\s+(?:global\s+|session\s+)?variables\s+like\s+'aurora_version'/i

/** Rewrites a statement that asks for what only Aurora has. */
function rewriteForAurora(statement: string, id: string, members: readonly MemberStatus[]): string {
  if (SHOW_VERSION.test(statement)) return `SELECT 'aurora_version' AS Variable_name, '3.08.0' AS Value`
  const renamed = statement.replaceAll(HOST_STATUS, 'replica_host_status')
  const rewritten = renamed.replaceAll(SERVER_ID, `'${id}'`).replaceAll(READ_ONLY, '@@GLOBAL.read_only')
  if (renamed === statement) return rewritten
  const rows = members.map((member) => hostStatus(member, member.id === id)).join(' UNION ALL ')
  return `WITH replica_host_status AS (${rows}) ${rewritten}`
}

/** A row of Aurora's `replica_host_status`. A server knows its own role, whatever the list says. */
function hostStatus({ id, isWriter, lagMs, stoppedAt }: MemberStatus, isOwn: boolean): string {
  const isMaster = isOwn ? 'NOT @@GLOBAL.read_only' : `${isWriter} AND @@GLOBAL.read_only`
  const updated = stoppedAt === undefined ? 'NOW(6)' : `FROM_UNIXTIME(${stoppedAt.getTime() / 1000})`
  return `SELECT '${id}' AS SERVER_ID, IF(${isMaster}, 'MASTER_SESSION_ID', MD5('${id}')) AS SESSION_ID,
    ${updated} AS LAST_UPDATE_TIMESTAMP, ${lagMs} AS REPLICA_LAG_IN_MILLISECONDS, 0 AS CPU`
}
