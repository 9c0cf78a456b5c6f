/** A partition of AWS: a group of regions with accounts and names of their own. */
export interface Partition {
  id: string
  /** The end of its service names. */
  suffix: string
}

const PARTITIONS: readonly (readonly [string, Partition])[] = [
  ['cn-', { id: 'aws-cn', suffix: 'amazonaws.com.cn' }],
  ['us-gov-', { id: 'aws-us-gov', suffix: 'amazonaws.com' }],
  ['eusc-', { id: 'aws-eusc', suffix: 'amazonaws.eu' }],
  ['us-isob-', { id: 'aws-iso-b', suffix: 'sc2s.sgov.gov' }],
  ['us-isof-', { id: 'aws-iso-f', suffix: 'csp.hci.ic.gov' }],
  ['us-iso-', { id: 'aws-iso', suffix: 'c2s.ic.gov' }],
  ['eu-isoe-', { id: 'aws-iso-e', suffix: 'cloud.adc-e.uk' }],
]

/** The partition that a region belongs to. */
export function partitionOf(region: string): Partition {
  const found = PARTITIONS.find(([prefix]) => region.startsWith(prefix))
  return found?.[1] ?? { id: 'aws', suffix: 'amazonaws.com' }
}
