import { existsSync } from 'node:fs'
import type { RewriteStatement } from '../login'
import { withSession, type Query } from '../mysql/statements'
import { MysqlServer } from '../servers/mysql-server'
import {
  FOLLOW_TIME_MS,
  type ClusterServerOptions,
  type InstanceStatus,
  type ReplicatedServer,
} from './replicated-server'

/** Arguments of all servers: everything that was ever written remains in the binary log, for a new reader to repeat. */
const ARGUMENTS = ['--log-bin=binlog', '--binlog-format=ROW', '--log-slave-updates', '--skip-slave-start']

/** A MariaDB of a cluster. Readers replicate by GTID. */
export class ReplicatedMariadb extends MysqlServer implements ReplicatedServer {
  readonly rewrite: RewriteStatement | undefined
  readonly #arguments: string[]
  readonly #template: MysqlServer
  #instances: readonly InstanceStatus[] = []

  /** @param template a server that was initialized and is never started. */
  constructor(
    id: string,
    number: number,
    template: MysqlServer,
    { aurora, ...options }: ClusterServerOptions,
  ) {
    super(options)
    this.#arguments = [...ARGUMENTS, `--server-id=${number}`]
    this.#template = template
    if (aurora) this.rewrite = (statement) => rewriteForAurora(statement, id, this.#instances)
  }

  startWriter(): Promise<void> {
    return this.#start()
  }

  async startReader(writer: ReplicatedMariadb): Promise<void> {
    await this.#start('--read-only')
    // A former writer continues after its own transactions.
    await this.run(['SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_current_pos'])
    await this.#replicate(writer)
  }

  async promote(): Promise<void> {
    await withSession(this.admin, async (query) => {
      // The old writer is down: this ends when everything that it sent is received.
      while ((await query('SHOW SLAVE STATUS'))[0]?.['Slave_IO_Running'] === 'Yes')
        await query('SELECT SLEEP(0.005)')
      const [status] = await query('SHOW SLAVE STATUS')
      await untilApplied(query, status?.['Gtid_IO_Pos'])
      await query('STOP SLAVE')
      await query('RESET SLAVE ALL')
      await query('SET GLOBAL read_only = 0')
    })
  }

  async follow(writer: ReplicatedMariadb): Promise<void> {
    await this.run(['STOP SLAVE'])
    await this.#replicate(writer)
  }

  async untilFollowing(writer: ReplicatedMariadb): Promise<void> {
    const [row] = await withSession(writer.admin, (query) =>
      query('SELECT @@GLOBAL.gtid_binlog_pos AS position'),
    )
    const limit = AbortSignal.timeout(FOLLOW_TIME_MS)
    await withSession(this.admin, async (query) => {
      while ((await query('SHOW SLAVE STATUS'))[0]?.['Slave_IO_Running'] !== 'Yes') {
        limit.throwIfAborted()
        await query('SELECT SLEEP(0.005)')
      }
      await untilApplied(query, row?.['position'])
    })
  }

  report(instances: readonly InstanceStatus[]): void {
    this.#instances = instances
  }

  override async stop(): Promise<void> {
    // It may end before it answers.
    if (this.isRunning) await this.run(['SHUTDOWN WAIT FOR ALL SLAVES']).catch(() => {})
    await super.stop()
  }

  async #start(...more: string[]): Promise<void> {
    if (!existsSync(this.data)) await this.initialize(this.#template)
    await this.start([...this.#arguments, ...more])
  }

  /** Starts to replicate from a writer. */
  async #replicate(writer: ReplicatedMariadb): Promise<void> {
    const { host, port, login } = writer.admin
    await this.run([
      `CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${port}, MASTER_USER = '${login.user}',
         MASTER_PASSWORD = '${login.password}', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1,
         MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0`,
      'START SLAVE',
    ])
  }
}

/** Waits until a reader has applied everything up to a GTID position. */
async function untilApplied(query: Query, position = ''): Promise<void> {
  const [row] = await query(`SELECT MASTER_GTID_WAIT('${position}', ${FOLLOW_TIME_MS / 1000}) AS result`)
  if (row?.['result'] === '-1') throw new Error('a reader does not follow its writer')
}

const SERVER_ID = /@@(?:(?:global|session)\.)?aurora_server_id\b/gi
const READ_ONLY = /@@(?:(?:global|session)\.)?innodb_read_only\b/gi
const HOST_STATUS = /\binformation_schema\.replica_host_status\b/gi
const SHOW_VERSION = /^\s*show\s+(?:global\s+|session\s+)?variables\s+like\s+'aurora_version'/i

/** Rewrites a statement that asks for what only Aurora has. */
function rewriteForAurora(statement: string, id: string, instances: readonly InstanceStatus[]): string {
  if (SHOW_VERSION.test(statement)) return `SELECT 'aurora_version' AS Variable_name, '3.08.0' AS Value`
  const renamed = statement.replaceAll(HOST_STATUS, 'replica_host_status')
  const rewritten = renamed.replaceAll(SERVER_ID, `'${id}'`).replaceAll(READ_ONLY, '@@GLOBAL.read_only')
  if (renamed === statement) return rewritten
  const rows = instances.map((instance) => hostStatus(instance, instance.id === id)).join(' UNION ALL ')
  return `WITH replica_host_status AS (${rows}) ${rewritten}`
}

/** A row of Aurora's `replica_host_status`. A server knows its own role, whatever the list says. */
function hostStatus({ id, isWriter, lagMs, stoppedAt }: InstanceStatus, isOwn: boolean): string {
  const isMaster = isOwn ? 'NOT @@GLOBAL.read_only' : `${isWriter} AND @@GLOBAL.read_only`
  const updated = stoppedAt === undefined ? 'NOW(6)' : `FROM_UNIXTIME(${stoppedAt.getTime() / 1000})`
  return `SELECT '${id}' AS SERVER_ID, IF(${isMaster}, 'MASTER_SESSION_ID', MD5('${id}')) AS SESSION_ID,
    ${updated} AS LAST_UPDATE_TIMESTAMP, ${lagMs} AS REPLICA_LAG_IN_MILLISECONDS, 0 AS CPU`
}
