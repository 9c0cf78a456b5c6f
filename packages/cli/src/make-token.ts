import type { AuthToken } from '@rds-iam/core'
import { requireEndpoint, type LoginOptions } from './login-options'

/**
 * Signs a token for a login.
 *
 * @throws {UsageError} where the options name no endpoint, {RdsIamError} where there is no region or no identity.
 */
export function makeToken(options: LoginOptions): Promise<AuthToken> {
  const { createTokenProvider } = require('@rds-iam/core') as typeof import('@rds-iam/core')
  const { user, region, profile } = options
  return createTokenProvider({ ...requireEndpoint(options), user, region, profile }).getToken()
}
