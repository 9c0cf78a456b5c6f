import { checkNames, expectBoolean, wholeNumber } from '../checks'
import type { LocalRdsOptions } from '../options'
import { resolveOptions, type ResolvedOptions } from '../resolve-options'

/** Options of a cluster. */
export interface LocalClusterOptions extends Pick<
  LocalRdsOptions,
  'engine' | 'port' | 'region' | 'users' | 'identities' | 'signal'
> {
  /** Number of instances, the writer among them. Default 3. */
  instances?: number
  /**
   * Whether the servers can tell their instance identifier and the cluster's instances, as Aurora's can. Default true.
   * With false they know their role alone, as those of a Multi-AZ DB cluster.
   */
  aurora?: boolean
}

const SHARED = ['engine', 'port', 'region', 'users', 'identities', 'signal']
const checkInstances = wholeNumber(1, 16, 'a whole number from 1 to 16')

/** Checked options of a cluster, with their defaults. */
export type ResolvedClusterOptions = ResolvedOptions & { instances: number; aurora: boolean }

/** @throws {TypeError} with the name of the wrong option. */
export function readClusterOptions(options: LocalClusterOptions): ResolvedClusterOptions {
  checkNames('startLocalCluster', options, ['instances', 'aurora', ...SHARED])
  const { instances = 3, aurora = true, ...rest } = options
  const own = { instances: checkInstances('instances', instances), aurora: expectBoolean('aurora', aurora) }
  const resolved = resolveOptions(rest)
  if (resolved.engine === 'dsql') throw new TypeError('engine must be postgres or mysql, not dsql')
  return { ...resolved, ...own }
}
