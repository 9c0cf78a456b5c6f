import { once } from 'node:events'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  startLocalCluster,
  type LocalCluster,
  type LocalClusterOptions,
  type LocalInstance,
} from '@rds-iam/local'
import type { Database, LoginOptions } from '../contract/adapter'
import { useClusterDns, type ClusterDns } from '../support/dns'

/** A cluster of real servers, and the DNS of this process for its names. */
export interface TestCluster {
  cluster: LocalCluster
  dns: ClusterDns
  /** Options that log in at the cluster's writer endpoint. */
  options: LoginOptions
  /** The instance that is the writer. */
  writer(): LocalInstance
  /** The number of logins at all instances. */
  logins(): number
  /** Resolves when no client is connected to an instance. */
  allClosed(instance: LocalInstance): Promise<void>
  close(): Promise<void>
}

export async function startTestCluster(
  engine: 'postgres' | 'mysql',
  instances: number,
  options: LocalClusterOptions = {},
): Promise<TestCluster> {
  const cluster = await startLocalCluster({ engine, instances, ...options })
  const dns = useClusterDns(cluster)
  const credentials = {
    accessKeyId: cluster.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: cluster.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  return {
    cluster,
    dns,
    options: {
      host: cluster.host,
      port: cluster.port,
      user: cluster.user,
      database: cluster.database,
      ssl: { ca: cluster.ca },
      iam: { credentials: () => Promise.resolve(credentials) },
    },
    writer: () => cluster.instances.find(({ isWriter }) => isWriter) as LocalInstance,
    logins: () => cluster.instances.reduce((sum, { endpoint }) => sum + endpoint.logins.length, 0),
    async allClosed({ endpoint }) {
      while (endpoint.openConnections > 0) await once(endpoint.events, 'disconnection')
    },
    async close() {
      dns.restore()
      await cluster.close()
    },
  }
}

/** Records the messages of a channel until `stop` is called. */
export function record<T>(channel: string): { messages: T[]; stop(): void } {
  const messages: T[] = []
  const note = (message: unknown): void => void messages.push(message as T)
  subscribe(channel, note)
  return { messages, stop: () => void unsubscribe(channel, note) }
}

/** Opens connections, and gives them back. */
export async function openConnections(db: Database, count: number): Promise<void> {
  let open = 0
  let giveBack: () => void = () => {}
  const allOpen = new Promise<void>((resolve) => (giveBack = resolve))
  const hold = () =>
    db.transaction(async (sql) => {
      await sql('select 1')
      if (++open === count) giveBack()
      await allOpen
    })
  await Promise.all(Array.from({ length: count }, hold))
}

/** The number of logins at each instance, since an earlier count. */
export function loginCounts({ cluster }: TestCluster, since: readonly number[] = []): number[] {
  return cluster.instances.map(({ endpoint }, at) => endpoint.logins.length - (since[at] ?? 0))
}
