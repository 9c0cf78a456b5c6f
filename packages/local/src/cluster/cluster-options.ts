import { checkNames, expectBoolean, expectNumber } from '../checks'
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

const OPTION_NAMES: (keyof LocalClusterOptions)[] = [
  'engine',
  'instances',
  'aurora',
  'port',
  'region',
  'users',
  'identities',
  'signal',
]

/** Checked options of a cluster, with their defaults. */
export type ResolvedClusterOptions = ResolvedOptions & { instances: number; aurora: boolean }

/** @throws {TypeError} with the name of the wrong option. */
export function readClusterOptions(options: LocalClusterOptions): ResolvedClusterOptions {
  checkNames('startLocalCluster', options, OPTION_NAMES)
  const { instances = 3, aurora = true, ...rest } = options
  if (!Number.isInteger(expectNumber('instances', instances)) || instances < 1 || instances > 16)
    throw new TypeError('instances must be a whole number from 1 to 16')
  const resolved = resolveOptions(rest)
  if (resolved.engine === 'dsql') throw new TypeError('engine must be postgres or mysql, not dsql')
  expectBoolean('aurora', aurora)
  return { ...resolved, instances, aurora }
}
