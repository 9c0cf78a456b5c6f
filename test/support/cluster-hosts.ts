import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalCluster } from '@rds-iam/local'

/** The names of a cluster in a file, for programs that are started with hosts.cjs. */
export interface ClusterHosts {
  /** The file, for TEST_HOSTS. */
  readonly file: string
  /** The file with the cluster's CA certificate. */
  readonly caFile: string
  /** Gives each name the address that it has now: until then the cluster's endpoints are stale. */
  update(): void
  /** Gives one name an address, until the next {@link update}. */
  set(host: string, address: string): void
  remove(): void
}

export function writeClusterHosts(cluster: LocalCluster): ClusterHosts {
  const directory = mkdtempSync(join(tmpdir(), 'hosts-'))
  const file = join(directory, 'hosts.json')
  const caFile = join(directory, 'ca.pem')
  writeFileSync(caFile, cluster.ca)
  let addresses: Record<string, string | undefined> = {}
  // A program never reads half a file.
  const write = () => {
    writeFileSync(`${file}.new`, JSON.stringify(addresses))
    renameSync(`${file}.new`, file)
  }
  const update = () => {
    const names = [cluster.host, cluster.readerHost, ...cluster.instances.map(({ host }) => host)]
    addresses = Object.fromEntries(names.map((name) => [name, cluster.addresses(name)?.[0]]))
    write()
  }
  update()
  return {
    file,
    caFile,
    update,
    set: (host, address) => {
      addresses[host] = address
      write()
    },
    remove: () => rmSync(directory, { recursive: true }),
  }
}
