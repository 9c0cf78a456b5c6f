import { createTokenProvider, parseEndpoint, type AuthToken } from '@rds-iam/core'
import { builtInCas, resolveRegion } from '@rds-iam/core/internal'
import { requireEndpoint, splitPem, type LoginOptions } from './options'

/**
 * Signs a token for a login.
 *
 * @throws {UsageError} if the options name no endpoint
 * @throws {RdsIamError} if there is no region or there are no credentials
 */
export function makeToken(options: LoginOptions): Promise<AuthToken> {
  const { user, region, profile } = options
  return createTokenProvider({ ...requireEndpoint(options), user, region, profile }).getToken()
}

/**
 * The CA certificates of a login, as PEM: those of `--ca`, or else the built-in ones.
 *
 * @throws {RdsIamError} `REGION_UNKNOWN`, `TLS_UNTRUSTED`
 */
export async function trustedPem(options: LoginOptions): Promise<string> {
  const { ca, region, profile } = options
  if (ca) return splitPem(ca.pem).join('\n')
  const endpoint = parseEndpoint(requireEndpoint(options).host)
  return builtInCas(endpoint, await resolveRegion(endpoint, { region, profile })).join('\n')
}
