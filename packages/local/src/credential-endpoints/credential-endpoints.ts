import { randomBytes, randomUUID } from 'node:crypto'
import { checkNames } from '../checks'
import { createContainerEndpoint } from './container-endpoint'
import { checkFault, checkSource, createFaults, type CredentialFault, type CredentialSource } from './fault'
import { startHttpServer } from './http-server'
import { createInstanceMetadata } from './instance-metadata'
import { checkLifetime, createIssuer, type IssuedIdentity } from './issuer'
import { createSts } from './sts'
import { TEST_ACCOUNT } from './sts-answer'
import { createWebIdentityFile } from './web-identity-file'

/** What {@link startCredentialEndpoints} takes. */
export interface CredentialEndpointsOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  port?: number
  /** How long identities live, in milliseconds, from 1,000 to a year; they end at a whole second, the one before. Default: 3,600,000. */
  lifetimeMs?: number
  /** Whether each answer is a new identity; `false` answers one of each source until it ends. Default: true. */
  rotate?: boolean
  /** Called with each new identity before it is answered: let a local RDS endpoint accept it. */
  onIssued?: (identity: IssuedIdentity) => void
  /** Path of the container endpoint. Default: `/v2/credentials/` and a random id. */
  containerPath?: string
  /** What the container endpoint wants in `Authorization`; `false` asks for nothing. Default: a random one. */
  containerToken?: string | false
  /** Name of the role of the instance, the container and the web identity. Default: `test`. */
  role?: string
  /** Region in the environments. Default: `us-east-1`. */
  region?: string
}

const OPTION_NAMES = Object.keys({
  port: true,
  lifetimeMs: true,
  rotate: true,
  onIssued: true,
  containerPath: true,
  containerToken: true,
  role: true,
  region: true,
} satisfies Record<keyof CredentialEndpointsOptions, true>)

/** @throws {TypeError} with the name of the option that is wrong. */
export function checkCredentialOptions(options: CredentialEndpointsOptions): void {
  checkNames('credentials', options, OPTION_NAMES)
  if (options.lifetimeMs !== undefined) checkLifetime(options.lifetimeMs)
}

/** Credential endpoints that run. */
export interface CredentialEndpoints {
  /** `http://127.0.0.1:PORT`, the address of all of them. */
  readonly url: string
  /** How long the identities of coming answers live, in milliseconds. */
  readonly lifetimeMs: number
  /** The fault of each source; undefined where it is well. */
  readonly faults: Readonly<Record<CredentialSource, CredentialFault | undefined>>
  /** How many requests each source has had, whatever became of them. */
  readonly requests: Readonly<Record<CredentialSource, number>>
  /** Environment variables with which an AWS SDK finds one of the sources. */
  readonly env: {
    readonly imds: Readonly<Record<string, string>>
    readonly container: Readonly<Record<string, string>>
    readonly webIdentity: Readonly<Record<string, string>>
  }
  /**
   * Switches a fault of a source on; without a fault, off. Requests that hang stay so.
   * @throws {TypeError} when there is no such source or fault.
   */
  setFault(source: CredentialSource, fault?: CredentialFault): void
  /**
   * Changes how long the identities of coming answers live, in milliseconds.
   * @throws {TypeError} when it is not from a second to a year.
   */
  setLifetime(lifetimeMs: number): void
  /** Ends every connection, the hanging ones too, and removes the web identity's file. */
  close(): Promise<void>
}

/**
 * Starts the endpoints from which AWS SDKs get short-lived credentials, on one loopback port: EC2 instance
 * metadata (IMDSv2), the container endpoint of ECS and EKS, and STS. They hand out test identities, and
 * break down on command.
 *
 * @throws {TypeError} when the lifetime is wrong, or the error of `listen` when the port is taken.
 * @example
 * ```ts
 * const endpoints = await startCredentialEndpoints({ lifetimeMs: 60_000 })
 * Object.assign(process.env, endpoints.env.container)
 * endpoints.setFault('container', 'hang')
 * await endpoints.close()
 * ```
 */
export async function startCredentialEndpoints(
  options: CredentialEndpointsOptions = {},
): Promise<CredentialEndpoints> {
  checkCredentialOptions(options)
  const { lifetimeMs = 3_600_000, rotate = true, onIssued, role = 'test', region = 'us-east-1' } = options
  const {
    containerPath = `/v2/credentials/${randomUUID()}`,
    containerToken = randomBytes(24).toString('base64url'),
  } = options
  const authorizationToken = containerToken === false ? undefined : containerToken
  const roleArn = `arn:aws:iam::${TEST_ACCOUNT}:role/${role}`
  const issuing = { lifetimeMs: checkLifetime(lifetimeMs), rotate, onIssued }

  const requests = { imds: 0, container: 0, sts: 0 }
  const faults = createFaults()
  const webIdentity = createWebIdentityFile()
  const services = {
    imds: createInstanceMetadata(createIssuer(issuing), role),
    container: createContainerEndpoint({
      issuer: createIssuer(issuing),
      path: containerPath,
      authorizationToken,
      roleArn,
    }),
    sts: createSts({ issuer: createIssuer(issuing), webIdentityToken: webIdentity.token }),
  }
  const server = await startHttpServer({
    port: options.port ?? 0,
    services,
    faults,
    onRequest: (source) => requests[source]++,
  }).catch((error: unknown) => {
    webIdentity.remove()
    throw error
  })

  const url = `http://127.0.0.1:${server.port}`
  return {
    url,
    requests,
    get lifetimeMs() {
      return issuing.lifetimeMs
    },
    get faults() {
      return { imds: faults.get('imds'), container: faults.get('container'), sts: faults.get('sts') }
    },
    env: {
      imds: { AWS_EC2_METADATA_SERVICE_ENDPOINT: url, AWS_REGION: region },
      container: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: url + containerPath,
        ...(authorizationToken === undefined
          ? {}
          : { AWS_CONTAINER_AUTHORIZATION_TOKEN: authorizationToken }),
        AWS_REGION: region,
      },
      webIdentity: {
        AWS_ROLE_ARN: roleArn,
        AWS_WEB_IDENTITY_TOKEN_FILE: webIdentity.path,
        AWS_ENDPOINT_URL_STS: url,
        AWS_REGION: region,
      },
    },
    setFault(source, fault) {
      faults.set(checkSource(source), fault === undefined ? undefined : checkFault(fault))
    },
    setLifetime(lifetime) {
      issuing.lifetimeMs = checkLifetime(lifetime)
    },
    async close() {
      await server.close()
      webIdentity.remove()
    },
  }
}
