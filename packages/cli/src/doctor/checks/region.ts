import { parseEndpoint } from '@rds-iam/core'
import { failed, ok, type Finding } from '../finding'
import { partitionOf } from '../partition'
import type { Subject } from '../subject'

/** The region to sign for, or why there is none. */
export type RegionObservation = ({ region: string } | { region?: undefined; message: string }) & {
  /** What else the environment and the profile name. */
  others: readonly string[]
}

/** Whether the region that is signed for is the endpoint's, and of the identity's partition. */
export function checkRegion(
  subject: Subject,
  observation: RegionObservation & { arn?: string | undefined },
): Finding {
  if (observation.region === undefined) {
    return failed('region', {
      code: 'REGION_UNKNOWN',
      why: observation.message.replace(/^iam\.region: |: give .*$/g, ''),
      fix: "--region with the region of the database (in code: iam.region; of a global endpoint: the primary cluster's)",
    })
  }
  const { region, others, arn } = observation
  const named = parseEndpoint(subject.endpoint?.host ?? '').region
  if (named !== undefined && named !== region) {
    return failed('region', {
      code: 'REGION_MISMATCH',
      why: `${subject.endpoint?.host} is in ${named}, and the token is signed for ${region}`,
      fix: `Leave --region out, or give ${named} (in code: iam.region)`,
    })
  }
  const partition = arn?.split(':')[1]
  if (partition !== undefined && partition !== partitionOf(region).id) {
    return failed('region', {
      code: 'REGION_MISMATCH',
      why: `${region} is in the partition ${partitionOf(region).id}, and the identity in ${partition}`,
      fix: `Use credentials of an account in ${partitionOf(region).id}`,
    })
  }
  if (named !== undefined) return ok('region', `${region}, as the endpoint's name says`)
  const [other] = others
  if (other === undefined) return ok('region', `${region}, the endpoint names none`)
  const why = `the token is signed for ${region}, and the environment or the profile says ${other}`
  const fix = `--region ${other} if the database is there (in code: iam.region)`
  return {
    check: 'region',
    status: 'warning',
    seen: why,
    suspicions: [{ code: 'REGION_MISMATCH', certainty: 'possible', why, fix }],
  }
}
