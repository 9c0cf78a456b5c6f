import { parseEndpoint } from '@rds-iam/core'
import { profileRegion, resolveRegion } from '@rds-iam/core/internal'
import { messageOf } from '../../message-of'
import type { RegionObservation } from '../checks/region'
import type { Subject } from '../subject'

/** Finds the region as a login does, and the others that could be meant. */
export async function probeRegion({ endpoint, dial, region, profile }: Subject): Promise<RegionObservation> {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const known = [AWS_REGION, AWS_DEFAULT_REGION, await profileRegion(profile)].flatMap((each) => each || [])
  try {
    const found = await resolveRegion(parseEndpoint((endpoint ?? dial).host), { region, profile })
    return { region: found, others: known.filter((other) => other !== found) }
  } catch (error) {
    return { message: messageOf(error), others: known }
  }
}
