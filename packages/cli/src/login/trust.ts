import { parseEndpoint } from '@rds-iam/core'
import { builtInTrust, resolveRegion } from '@rds-iam/core/internal'
import { requireEndpoint, splitPem, type LoginOptions } from './options'

/**
 * The certificate authorities that a login trusts: those of `--ca`, and otherwise the built-in ones.
 *
 * @throws {RdsIamError} `REGION_UNKNOWN`, `TLS_UNTRUSTED`
 */
export async function trustedPem(options: LoginOptions): Promise<string> {
  const { ca, region, profile } = options
  if (ca) return splitPem(ca.pem).join('\n')
  const endpoint = parseEndpoint(requireEndpoint(options).host)
  return builtInTrust(endpoint, await resolveRegion(endpoint, { region, profile })).join('\n')
}
