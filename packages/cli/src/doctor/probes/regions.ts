import { isRdsIamError, parseEndpoint } from '@rds-iam/core'
import { profileRegion, resolveRegion } from '@rds-iam/core/internal'
import type { EndpointFacts } from '../facts'

/** The regions that are configured. */
export interface Regions {
  /** The region to sign for; undefined if there is none. */
  signed: string | undefined
  /** The other regions of the environment and the profile. */
  others: string[]
}

/** Finds the region to sign for as a login does, and the other regions. */
export async function probeRegions({ endpoint, dial, region, profile }: EndpointFacts): Promise<Regions> {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const configured = [AWS_REGION, AWS_DEFAULT_REGION, await profileRegion(profile)]
  const signed = await resolveRegion(parseEndpoint((endpoint ?? dial).host), { region, profile }).catch(
    (error: unknown) => {
      if (isRdsIamError(error) && error.code === 'REGION_UNKNOWN') return undefined
      throw error
    },
  )
  return { signed, others: configured.filter((other) => other && other !== signed) as string[] }
}
