import { publishRenewalFailed, publishReused, publishSigned } from '../events'
import { createAuthToken, type AuthToken } from './auth-token'
import type { Credentials } from './credentials'
import { tokenExpiry, tokenRenewalMs } from './lifetime'
import { createRenewable, type Renewable } from './renewable'
import { signToken, type LoginTo } from './sign'

/** The tokens of one endpoint and user, signed with credentials that others may share. */
export function createTokens(
  credentials: Renewable<Credentials>,
  loginTo: () => Promise<LoginTo>,
): Renewable<AuthToken> {
  let login: LoginTo | undefined
  return createRenewable<AuthToken>({
    async make(request) {
      const start = performance.now()
      login = await loginTo()
      const { identity, until } = await credentials.get(request)
      const { value, issuedAt } = await signToken(login, identity)
      const token = createAuthToken(value, issuedAt, tokenExpiry(issuedAt, until))
      publishSigned(login, token, performance.now() - start)
      return token
    },
    lifetime: ({ issuedAt, expiresAt }) => ({ since: issuedAt, until: expiresAt }),
    renewalMs: ({ issuedAt, expiresAt }) => tokenRenewalMs(issuedAt, expiresAt),
    onReused: (token) => publishReused(login, token),
    onFailed: (error, kept) => publishRenewalFailed(login, error, kept !== undefined),
  })
}
