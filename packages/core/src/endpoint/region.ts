import { RdsIamError } from '../errors'
import type { ParsedEndpoint } from './parse-endpoint'

/**
 * Finds the region to sign for. Order: the option, the endpoint's name, AWS_REGION, AWS_DEFAULT_REGION, the profile in
 * the shared configuration files.
 *
 * @throws {RdsIamError} `REGION_UNKNOWN`
 */
export async function resolveRegion(
  endpoint: ParsedEndpoint,
  options: { region?: string | undefined; profile?: string | undefined },
): Promise<string> {
  const named = options.region ?? endpoint.region
  if (named) return named
  if (endpoint.kind === 'global') {
    throw new RdsIamError(
      'REGION_UNKNOWN',
      `iam.region: the global endpoint ${endpoint.host} has no region in its name: ` +
        "give the primary cluster's region, or set iam.followCname in a driver's configuration",
    )
  }
  const found =
    process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'] || (await profileRegion(options.profile))
  if (found) return found
  throw new RdsIamError(
    'REGION_UNKNOWN',
    `iam.region: no region in the name ${endpoint.host}, in AWS_REGION, in AWS_DEFAULT_REGION or in the profile ` +
      `${profileName(options.profile)}: give iam.region`,
  )
}

function profileName(profile: string | undefined): string {
  return profile ?? (process.env['AWS_PROFILE'] || 'default')
}

/** The region of a profile in the shared configuration files. */
export async function profileRegion(profile: string | undefined): Promise<string | undefined> {
  // Load the SDK only here: most endpoints have the region in their name.
  const { loadSharedConfigFiles } = await import('@smithy/core/config')
  const { configFile, credentialsFile } = await loadSharedConfigFiles({ ignoreCache: true })
  const name = profileName(profile)
  return credentialsFile?.[name]?.['region'] ?? configFile?.[name]?.['region']
}
