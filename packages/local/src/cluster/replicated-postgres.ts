import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { parseBackendUrl, type Backend } from '../backend'
import { withSession } from '../postgres/statements'
import type { Account } from '../servers/account'
import { samePassword } from '../servers/database-server'
import { PostgresServer } from '../servers/postgres-server'
import {
  FOLLOW_TIME_MS,
  type ClusterServerOptions,
  type InstanceStatus,
  type ReplicatedServer,
} from './replicated-server'

const INSTANCES_FILE = 'rds-iam-instances.json'

const SETTINGS = {
  // Send each commit to the readers at once, not when the WAL writer wakes up.
  synchronous_commit: 'local',
  // Readers that come back need no slot.
  wal_keep_size: '1GB',
  wal_retrieve_retry_interval: '50ms',
  max_wal_senders: '32',
  // Segments of 16 MB would be filled with zeros.
  wal_init_zero: 'off',
  wal_recycle: 'off',
}

/** A PostgreSQL of a cluster. Readers are streaming standbys. */
export class ReplicatedPostgres implements ReplicatedServer {
  readonly #id: string
  readonly #options: ClusterServerOptions
  readonly #server: PostgresServer
  #exists = false

  constructor(id: string, options: ClusterServerOptions) {
    this.#id = id
    this.#options = options
    const { password, signal } = options
    this.#server = new PostgresServer({ password, signal, settings: { ...SETTINGS, cluster_name: id } })
  }

  get backend(): Backend {
    const { url, socketPath } = this.#server
    const { users, password } = this.#options
    return {
      ...parseBackendUrl('postgres', url, samePassword(users, password)),
      ...(socketPath === undefined ? {} : { socketPath }),
      countsDroppedLogins: false,
    }
  }

  async startWriter(): Promise<void> {
    if (this.#exists) return this.#server.start()
    await this.#server.initialize()
    this.#exists = true
    await this.#server.start()
    if (this.#options.aurora)
      // New databases are copies of template1.
      for (const database of ['template1', 'postgres']) await this.#server.run(AURORA_FUNCTIONS, database)
    await this.#server.createDatabase(this.#options.users)
  }

  async startReader(writer: ReplicatedPostgres): Promise<void> {
    if (!this.#exists) await this.#copy(writer)
    this.#exists = true
    this.#write('standby.signal', '')
    this.#setWriter(writer)
    await this.#server.start()
  }

  async promote(): Promise<void> {
    await this.#server.run(['SELECT pg_promote()'])
  }

  async follow(writer: ReplicatedPostgres): Promise<void> {
    this.#setWriter(writer)
    await this.#server.run(['SELECT pg_reload_conf()'])
  }

  async untilFollowing(writer: ReplicatedPostgres): Promise<void> {
    const target = writer.#server.admin()
    const [[position = ''] = []] = await withSession(target, (query) =>
      query('SELECT pg_current_wal_flush_lsn()'),
    )
    const streaming = `SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND sender_port = ${target.port}`
    await this.#server.run([
      `SET statement_timeout = ${FOLLOW_TIME_MS}`,
      `DO $$ BEGIN
         WHILE NOT EXISTS (${streaming}) OR pg_last_wal_replay_lsn() < '${position}' LOOP
           PERFORM pg_sleep(0.005);
         END LOOP;
       END $$`,
    ])
  }

  report(instances: readonly InstanceStatus[]): void {
    this.#write(INSTANCES_FILE, JSON.stringify(instances))
  }

  stop(): Promise<void> {
    return this.#server.stop()
  }

  remove(): Promise<void> {
    return this.#server.remove()
  }

  /** Copies the data of a running server, as pg_basebackup does. */
  async #copy(writer: ReplicatedPostgres): Promise<void> {
    await withSession(writer.#server.admin(), async (query) => {
      await query(`SELECT pg_backup_start('${this.#id}', fast => true)`)
      copyTree(writer.#server.data, this.#server.data, this.#server.account)
      const [[label = ''] = []] = await query(
        'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
      )
      this.#write('backup_label', label)
    })
  }

  #setWriter(writer: ReplicatedPostgres): void {
    const { host, port, user, password } = writer.#server.admin()
    const connection = `host=${host} port=${port} user=${user} password=${password}`
    this.#write('postgresql.auto.conf', `primary_conninfo = '${connection}'\n`)
  }

  #write(name: string, text: string): void {
    const { data, account } = this.#server
    const file = join(data, name)
    const unfinished = `${file}.new` // the server may read at any moment
    writeFileSync(unfinished, text, { mode: 0o600 })
    if (account !== undefined) chownSync(unfinished, account.uid, account.gid)
    renameSync(unfinished, file)
  }
}

/**
 * Aurora's functions, as far as clients use them to find the writer. The list is a file, which each server has its own
 * of, and may be stale, as Aurora's is. A server knows its own role, whatever the file says.
 */
const AURORA_FUNCTIONS = [
  'SET allow_system_table_mods = on',
  `CREATE FUNCTION pg_catalog.aurora_db_instance_identifier() RETURNS text LANGUAGE sql STABLE
     RETURN pg_catalog.current_setting('cluster_name')`,
  `CREATE FUNCTION pg_catalog.aurora_replica_status(
     OUT server_id text, OUT session_id text, OUT last_update_timestamp timestamptz, OUT replica_lag_in_msec real,
     OUT cpu real
   ) RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
     SELECT id,
       CASE WHEN CASE WHEN pg_is_in_recovery() THEN "isWriter" AND id <> own ELSE id = own END
         THEN 'MASTER_SESSION_ID' ELSE md5(id)::uuid::text END,
       CASE WHEN id <> own THEN coalesce("stoppedAt", clock_timestamp()) END,
       "lagMs",
       0
     FROM json_to_recordset(pg_read_file('${INSTANCES_FILE}')::json)
       AS instance(id text, "isWriter" boolean, "lagMs" real, "stoppedAt" timestamptz),
         current_setting('cluster_name') AS own
   $$`,
]

// Files that belong to the running server alone.
const NOT_COPIED = new Set(['postmaster.pid', 'postmaster.opts'])

// Directories whose contents do, or come by replication.
const EMPTIED = new Set(['pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_stat_tmp', 'pg_subtrans'])

/** Copies a directory whose files may change, grow or vanish meanwhile. */
function copyTree(from: string, to: string, account?: Account): void {
  mkdirSync(to)
  chmodSync(to, 0o700) // whatever the umask says
  if (account !== undefined) chownSync(to, account.uid, account.gid)
  if (EMPTIED.has(basename(from))) return
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyTree(source, target, account)
    else if (!NOT_COPIED.has(entry.name)) copyIfThere(source, target, account)
  }
}

function copyIfThere(source: string, target: string, account?: Account): void {
  try {
    copyFileSync(source, target)
    if (account !== undefined) chownSync(target, account.uid, account.gid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
