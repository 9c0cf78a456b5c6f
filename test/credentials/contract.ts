import type { TokenRenewalFailedEvent } from '@rds-iam/core'
import { describe, expect, it } from 'vitest'
import type { CredentialFault, CredentialSource } from '../support/credential-endpoints/fault'
import { expectSignedBy, messagesDuring, testStage, type Scene, type Stage } from './scene'
import { everythingShown } from './secrets'

const TOKEN_LIFE_MS = 900_000

/** A source of short-lived credentials, backed by an endpoint of @rds-iam/local. */
export interface EndpointSource {
  /** The endpoint that gets the faults and whose requests are counted. */
  endpoint: CredentialSource
  /** How many requests one credential fetch makes. */
  requestsPerFetch: number
  /** Prepares files and environment. Returns further options of the token provider. */
  configure(stage: Stage, scene: Scene): { profile?: string } | void
  /** Matches the error's cause when the endpoint always responds with HTTP 500. */
  failure: RegExp
  /** How the error's message names the source. */
  named: string
  /** The timeout in tests of a source that hangs: long enough for a fetch on a loaded machine. Default: 1,000 ms. */
  timeoutMs?: number
}

const FAULTS: [CredentialFault & string, string][] = [
  ['error', 'CREDENTIALS_UNAVAILABLE'],
  ['garbage', 'CREDENTIALS_UNAVAILABLE'],
  ['hang', 'TOKEN_TIMEOUT'],
  ['expired', 'CREDENTIALS_EXPIRED'],
]

/** Runs the tests that every source of short-lived credentials must pass. */
export function testSource(name: string, source: EndpointSource): void {
  describe(name, () => {
    const { endpoint, requestsPerFetch, configure, failure, named, timeoutMs = 1_000 } = source
    const stage = testStage()

    async function open(lifetimeSeconds = 3_600, timing: { timeoutMs?: number } = {}) {
      const scene = await stage.startEndpoints({ lifetimeMs: lifetimeSeconds * 1_000 })
      const options = configure(stage, scene) ?? {}
      const fetches = (): number => scene.requests[endpoint] / requestsPerFetch
      return { scene, fetches, provider: stage.provider({ ...options, ...timing }) }
    }

    it('signs a token that is valid for 900 seconds', async () => {
      const { scene, provider } = await open()
      const token = await provider.getToken()
      expectSignedBy(token, scene.issued[0]!)
      expect(token.issuedAt).toEqual(new Date())
      expect(token.expiresAt.getTime() - token.issuedAt.getTime()).toBe(TOKEN_LIFE_MS)
    })

    it('signs a token that expires when its credentials expire', async () => {
      const { scene, provider } = await open(60)
      const token = await provider.getToken()
      expect(token.expiresAt).toEqual(scene.issued[0]!.expiration)
      expect(token.expiresAt.getTime() - token.issuedAt.getTime()).toBe(60_000)
    })

    it('signs with new credentials before the old ones expire', async () => {
      const { scene, provider, fetches } = await open(60)
      const first = await provider.getToken()
      stage.passSeconds(44)
      expect(await provider.getToken()).toBe(first)
      expect(fetches()).toBe(1)
      stage.passSeconds(2)
      const second = await provider.getToken()
      expect(second.issuedAt < first.expiresAt).toBe(true)
      expectSignedBy(second, scene.issued[1]!)
      expect(fetches()).toBe(2)
    })

    it('fetches new credentials when a refresh is forced', async () => {
      const { scene, provider } = await open()
      await provider.getToken()
      expectSignedBy(await provider.getToken({ forceRefresh: true }), scene.issued[1]!)
    })

    it('provides ten tokens with one fetch when the credentials are valid for 60 seconds', async () => {
      const { provider, fetches } = await open(60)
      for (let made = 0; made < 10; made++) {
        await provider.getToken()
        stage.passSeconds(4)
      }
      expect(fetches()).toBe(1)
    })

    it('serves 200 concurrent callers with one fetch and one signature', async () => {
      const { provider, fetches } = await open(60)
      const signed = await messagesDuring('rds-iam:token.signed', async () => {
        const tokens = await Promise.all(Array.from({ length: 200 }, () => provider.getToken()))
        expect(new Set(tokens).size).toBe(1)
      })
      expect({ signatures: signed.length, fetches: fetches() }).toEqual({ signatures: 1, fetches: 1 })
    })

    it('retries after an error', async () => {
      const { scene, provider } = await open()
      scene.setFault(endpoint, 'error-once')
      expectSignedBy(await provider.getToken(), scene.issued.at(-1)!)
    })

    it('waits for a source that is slow', async () => {
      const { scene, provider } = await open()
      scene.setFault(endpoint, { slowMs: 50 })
      expectSignedBy(await provider.getToken(), scene.issued[0]!)
    })

    it.each(FAULTS)(
      'rejects while the fault "%s" lasts with %s, and signs a token afterwards',
      async (fault, code) => {
        const { scene, provider, fetches } = await open(3_600, fault === 'hang' ? { timeoutMs } : {})
        scene.setFault(endpoint, fault)
        const error = await stage.failure(provider.getToken())
        expect(error.code).toBe(code)
        if (code === 'CREDENTIALS_UNAVAILABLE') expect(error.cause).toBeInstanceOf(Error)
        if (fault === 'error') {
          expect(error.message).toContain(named)
          expect(everythingShown(error.cause)).toMatch(failure)
        }
        expect(fetches()).toBeLessThanOrEqual(3)
        scene.setFault(endpoint)
        // A credential_process that hangs is not started again earlier.
        stage.passSeconds(60)
        expectSignedBy(await provider.getToken(), scene.issued.at(-1)!)
      },
    )

    it.each(FAULTS)(
      'uses valid credentials during the fault "%s", and rejects with %s when they expire',
      async (fault, code) => {
        const { scene, provider } = await open(60, fault === 'hang' ? { timeoutMs } : {})
        const { expiresAt } = await provider.getToken()
        scene.setFault(endpoint, fault)
        stage.passSeconds(50)
        const failures = await messagesDuring<TokenRenewalFailedEvent>(
          'rds-iam:token.renewal-failed',
          async () => {
            expectSignedBy(await provider.getToken(), scene.issued[0]!)
          },
        )
        expect(failures.map(({ bridged }) => bridged)).toContain(true)
        stage.passSeconds(10)
        expect(expiresAt).toEqual(new Date())
        expect((await stage.failure(provider.getToken())).code).toBe(code)
        scene.setFault(endpoint)
        stage.passSeconds(60)
        expectSignedBy(await provider.getToken(), scene.issued.at(-1)!)
      },
    )
  })
}
