import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  createTokenProvider,
  type AuthToken,
  type RdsIamError,
  type TokenProvider,
  type TokenRenewalFailedEvent,
} from '@rds-iam/core'
import { verifyToken, type TestIdentity } from '@rds-iam/local'
import { afterEach, beforeEach, expect } from 'vitest'
import {
  startCredentialEndpoints,
  type CredentialEndpoints,
  type CredentialEndpointsOptions,
} from '../support/credential-endpoints/credential-endpoints'
import type { IssuedIdentity } from '../support/credential-endpoints/issuer'
import { expectNoSecret } from './secrets'
import { testSurroundings, type Surroundings } from './surroundings'

/** The RDS endpoint that the tokens are signed for. */
export const RDS = { host: 'db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com', port: 5432, user: 'app' }

// Long enough for a loaded machine. Tests of a source that hangs set their own.
const TIMEOUT_MS = 15_000

/** The credential endpoints of one test. */
export interface Scene extends CredentialEndpoints {
  /** The identities that the endpoints returned, oldest first. */
  readonly issued: readonly IssuedIdentity[]
}

/** The setup for tests of credential sources. */
export interface Stage extends Surroundings {
  startEndpoints(options?: CredentialEndpointsOptions): Promise<Scene>
  /** Creates a token provider with the default credential chain. */
  provider(options?: { profile?: string; timeoutMs?: number }): TokenProvider
  /** Waits for a token to be rejected. Checks that the error has no secrets, and returns it. */
  failure(token: Promise<AuthToken>): Promise<RdsIamError>
  /** Adds secrets that no error of the test may contain. */
  guard(...secrets: string[]): void
}

/** Creates the setup for the tests of one file. */
export function testStage(): Stage {
  const surroundings = testSurroundings()
  const running: CredentialEndpoints[] = []
  const secrets: string[] = []
  const published: unknown[] = []
  const onRenewalFailed = (message: unknown): void =>
    void published.push((message as TokenRenewalFailedEvent).error)

  beforeEach(() => {
    subscribe('rds-iam:token.renewal-failed', onRenewalFailed)
  })
  afterEach(async () => {
    unsubscribe('rds-iam:token.renewal-failed', onRenewalFailed)
    for (const endpoints of running.splice(0)) await endpoints.close()
    for (const error of published.splice(0)) expectNoSecret(error, secrets)
    secrets.length = 0
  })

  return {
    ...surroundings,
    async startEndpoints(options) {
      const issued: IssuedIdentity[] = []
      const endpoints = await startCredentialEndpoints({
        ...options,
        onIssued(identity) {
          secrets.push(identity.secretAccessKey, identity.sessionToken)
          issued.push(identity)
          options?.onIssued?.(identity)
        },
      })
      running.push(endpoints)
      secrets.push(endpoints.env.container['AWS_CONTAINER_AUTHORIZATION_TOKEN'] ?? 'none')
      return { ...endpoints, issued }
    },
    provider: (options) => createTokenProvider({ ...RDS, timeoutMs: TIMEOUT_MS, ...options }),
    async failure(token) {
      const error = await token.then(
        () => expect.unreachable('there was a token'),
        (reason: unknown) => reason,
      )
      expectNoSecret(error, secrets)
      return error as RdsIamError
    },
    guard: (...more) => void secrets.push(...more),
  }
}

/** Reads the signer from a token. */
export function signerOf(token: AuthToken): {
  accessKeyId: string | undefined
  sessionToken: string | undefined
} {
  const { searchParams } = new URL(`https://${token.value}`)
  return {
    accessKeyId: searchParams.get('X-Amz-Credential')?.split('/')[0],
    sessionToken: searchParams.get('X-Amz-Security-Token') ?? undefined,
  }
}

/** Expects that RDS would now accept a token, and that this identity signed it. */
export function expectSignedBy(token: AuthToken, identity: TestIdentity): void {
  const { accessKeyId, sessionToken } = identity
  expect(signerOf(token)).toEqual({ accessKeyId, sessionToken })
  const { host, port, user } = RDS
  const endpoints = [{ host, ports: [port] }]
  const expectations = { user, users: [user], endpoints, region: 'eu-west-1', identities: [identity] }
  expect(verifyToken(token.value, expectations, new Date())).toMatchObject({ accepted: true })
}

/** Collects the messages of an rds-iam channel while `work` runs. */
export async function messagesDuring<T>(channel: string, work: () => Promise<unknown>): Promise<T[]> {
  const messages: T[] = []
  const onMessage = (message: unknown): void => void messages.push(message as T)
  subscribe(channel, onMessage)
  try {
    await work()
  } finally {
    unsubscribe(channel, onMessage)
  }
  return messages
}
