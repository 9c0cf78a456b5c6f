import { parseEndpoint } from '@rds-iam/core'
import { failed, ok, type Finding } from '../finding'
import { partitionOf } from '../partition'
import type { Subject } from '../subject'

/** Where the region to sign for comes from. */
export type RegionObservation =
  | { region: string; environment?: string; arn?: string }
  | { region?: undefined; message: string }

/** Whether the region that is signed for is the endpoint's, and of the identity's partition. */
export function checkRegion(subject: Subject, observation: RegionObservation): Finding {
  if (observation.region === undefined) {
    const fix =
      "--region with the region of the database (in code: iam.region; of a global endpoint: the primary cluster's)"
    return failed('region', {
      code: 'REGION_UNKNOWN',
      why: observation.message.replace(/^iam\.region: |: give .*$/g, ''),
      fix,
    })
  }
  const { region, environment, arn } = observation
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
  if (named === undefined && environment !== undefined && environment !== region) {
    const why = `the token is signed for ${region}, and the environment says ${environment}`
    const fix = `--region ${environment} if the database is there (in code: iam.region)`
    return {
      check: 'region',
      status: 'warning',
      seen: why,
      suspicions: [{ code: 'REGION_MISMATCH', certainty: 'likely', why, fix }],
    }
  }
  return ok(
    'region',
    `${region}, ${named === region ? "as the endpoint's name says" : 'the endpoint names none'}`,
  )
}
