import { inspect } from 'node:util'
import { DsqlSigner } from '@aws-sdk/dsql-signer'
import { Signer } from '@aws-sdk/rds-signer'
import { createTokenProvider, type AuthToken } from '@rds-iam/core'
import { Login } from '@rds-iam/core/internal'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dsqlTokenVectors, identityOf, tokenVectors, type TokenVector } from '../vectors/tokens'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Parses a token. The SDKs order the parameters differently, so compare the parsed parameters. */
function parse(token: string) {
  const url = new URL(`https://${token}`)
  // Our tokens have the host in lower case, as it is signed; botocore keeps the caller's spelling.
  return {
    address: token.slice(0, token.indexOf('/?')).toLowerCase(),
    parameters: Object.fromEntries(url.searchParams),
  }
}

function tokenOf(vector: TokenVector): Promise<AuthToken> {
  const { host, port, user, region, time } = vector
  vi.setSystemTime(time)
  return createTokenProvider({ host, port, user, region, credentials: identityOf(vector) }).getToken()
}

describe('a token', () => {
  it.each(tokenVectors)(
    'for $user at $host:$port in $region equals the token that botocore signs',
    async (vector) => {
      const token = await tokenOf(vector)
      expect(parse(token.value)).toEqual(parse(vector.token))
      expect(token.value).toContain('/?')
      expect(token.issuedAt).toEqual(new Date(vector.time))
      expect(token.expiresAt.getTime() - token.issuedAt.getTime()).toBe(900_000)
    },
  )

  it.each(dsqlTokenVectors)(
    'for $user at $host in $region equals the token that AWS signs for Aurora DSQL',
    async (vector) => {
      const token = await tokenOf(vector)
      expect(parse(token.value)).toEqual(parse(vector.token))
      expect(token.expiresAt.getTime() - new Date(vector.time).getTime()).toBe(900_000)
    },
  )

  // The build bundles a part of these packages into core (scripts/aws-signers.mjs).
  it.each(tokenVectors)(
    'for $user at $host:$port in $region equals the token of the published @aws-sdk/rds-signer',
    async (vector) => {
      const { value } = await tokenOf(vector)
      const { host, port, region, user: username } = vector
      const signer = new Signer({
        hostname: host.toLowerCase(),
        port,
        region,
        username,
        credentials: identityOf(vector),
      })
      expect(value).toBe(await signer.getAuthToken())
    },
  )

  it.each(dsqlTokenVectors)(
    'for $user at $host in $region equals the token of the published @aws-sdk/dsql-signer',
    async (vector) => {
      const { value } = await tokenOf(vector)
      const signer = new DsqlSigner({
        hostname: vector.host.toLowerCase(),
        region: vector.region,
        credentials: identityOf(vector),
      })
      expect(value).toBe(
        await (vector.user === 'admin'
          ? signer.getDbConnectAdminAuthToken()
          : signer.getDbConnectAuthToken()),
      )
    },
  )

  it('is cached separately for RDS and for Aurora DSQL', async () => {
    const [vector] = dsqlTokenVectors as [TokenVector]
    const credentials = identityOf(vector)
    const login = new Login({ region: vector.region, credentials }, {}, 'postgres')
    const services = ['localhost', vector.host, 'localhost', vector.host].map(async (host) => {
      const { value } = await login.token(await login.target({ host, port: 5432 }), 'admin')
      return /%2F([a-z-]+)%2Faws4_request/.exec(value)?.[1]
    })
    expect(await Promise.all(services)).toEqual(['rds-db', 'dsql', 'rds-db', 'dsql'])
  })

  it('does not show its value in inspect, String or JSON', async () => {
    const token = await tokenOf(tokenVectors[0]!)
    const shown = [
      inspect(token),
      inspect({ token }, { depth: 9 }),
      String(token),
      JSON.stringify({ token }),
      Object.keys(token).join(),
    ]
    expect(shown.join('\n')).not.toContain('X-Amz')
    expect(shown.join('\n')).toContain('redacted')
  })
})
