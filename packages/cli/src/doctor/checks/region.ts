import { parseEndpoint } from '@rds-iam/core'
import type { RegionFacts } from '../facts'
import { failed, ok, warning, type Finding } from '../finding'
import { partitionOf } from '../partition'

/** The other regions that the environment and the profile name, and the ARN of the identity. */
export interface RegionObservation {
  others: readonly string[]
  arn?: string | undefined
}

/** Whether there is a region to sign for, and whether it is the endpoint's and of the identity's partition. */
export function checkRegion(
  { dial, endpoint, signedRegion: region }: RegionFacts,
  { others, arn }: RegionObservation,
): Finding {
  const { host, kind, region: named } = parseEndpoint((endpoint ?? dial).host)
  if (region === undefined) {
    return failed('region', {
      code: 'REGION_UNKNOWN',
      why:
        kind === 'global'
          ? `the global endpoint ${host} does not name a region`
          : `neither ${host} nor the environment nor the profile names a region`,
      fix: "--region with the region of the database (in code: iam.region; for a global endpoint: the primary cluster's)",
    })
  }
  if (named !== undefined && named !== region) {
    return failed('region', {
      code: 'REGION_MISMATCH',
      why: `${host} is in ${named}, and the token is signed for ${region}`,
      fix: `Leave out --region, or give ${named} (in code: iam.region)`,
    })
  }
  const partition = arn?.split(':')[1]
  if (partition !== undefined && partition !== partitionOf(region).id) {
    return failed('region', {
      code: 'REGION_MISMATCH',
      why: `${region} is in the partition ${partitionOf(region).id}, and the identity is in ${partition}`,
      fix: `Use credentials of an account in ${partitionOf(region).id}`,
    })
  }
  if (named !== undefined) return ok('region', `${region}, as the endpoint's name says`)
  const [other] = others
  if (other === undefined) return ok('region', `${region}; the endpoint names no region`)
  const why = `the token is signed for ${region}, and the environment or the profile says ${other}`
  const fix = `--region ${other} if the database is there (in code: iam.region)`
  return warning('region', why, [{ code: 'REGION_MISMATCH', why, fix }])
}
