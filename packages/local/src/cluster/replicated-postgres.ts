import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { withSession } from '../postgres/statements'
import type { Account } from '../servers/account'
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
export class ReplicatedPostgres extends PostgresServer implements ReplicatedServer {
  readonly #id: string
  readonly #aurora: boolean

  constructor(id: string, { aurora, ...options }: ClusterServerOptions) {
    super({ ...options, settings: { ...SETTINGS, cluster_name: id } })
    this.#id = id
    this.#aurora = aurora
  }

  async startWriter(): Promise<void> {
    if (existsSync(this.data)) return this.start()
    await this.initialize()
    await this.start()
    if (this.#aurora)
      // New databases are copies of template1.
      for (const database of ['template1', 'postgres']) await this.run(AURORA_FUNCTIONS, database)
    await this.createDatabase()
  }

  async startReader(writer: ReplicatedPostgres): Promise<void> {
    if (!existsSync(this.data)) await this.#copy(writer)
    this.#write('standby.signal', '')
    this.#setWriter(writer)
    await this.start()
  }

  promote(): Promise<void> {
    return this.run(['SELECT pg_promote()'])
  }

  follow(writer: ReplicatedPostgres): Promise<void> {
    this.#setWriter(writer)
    return this.run(['SELECT pg_reload_conf()'])
  }

  async untilFollowing({ admin }: ReplicatedPostgres): Promise<void> {
    const [[position = ''] = []] = await withSession(admin, (query) =>
      query('SELECT pg_current_wal_flush_lsn()'),
    )
    const streaming = `SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND sender_port = ${admin.port}`
    await this.run([
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

  /** Copies the data of a running server, as pg_basebackup does. */
  #copy(writer: ReplicatedPostgres): Promise<void> {
    return withSession(writer.admin, async (query) => {
      await query(`SELECT pg_backup_start('${this.#id}', fast => true)`)
      copyTree(writer.data, this.data, this.account)
      const [[label = ''] = []] = await query(
        'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
      )
      this.#write('backup_label', label)
    })
  }

  #setWriter(writer: ReplicatedPostgres): void {
    const { host, port, login } = writer.admin
    const connection = `host=${host} port=${port} user=${login.user} password=${login.password}`
    this.#write('postgresql.auto.conf', `primary_conninfo = '${connection}'\n`)
  }

  #write(name: string, text: string): void {
    const file = join(this.data, name)
    const unfinished = `${file}.new` // the server may read at any moment
    writeFileSync(unfinished, text, { mode: 0o600 })
    if (this.account !== undefined) chownSync(unfinished, this.account.uid, this.account.gid)
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
