import { randomBytes, randomUUID } from 'node:crypto'
import { createContainerEndpoint } from './container-endpoint'
import { createFaults, type CredentialFault, type CredentialSource } from './fault'
import { startHttpServer } from './server'
import { createInstanceMetadata } from './instance-metadata'
import { createIssuer, type IssuedIdentity } from './issuer'
import { createSts } from './sts'
import { TEST_ACCOUNT } from './sts-answer'
import { createWebIdentityFile } from './web-identity-file'

/** Options of {@link startCredentialEndpoints}. */
export interface CredentialEndpointsOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  port?: number
  /** How long identities are valid, in milliseconds, rounded down to a whole second. Default: 3,600,000. */
  lifetimeMs?: number
  /** Whether each response has a new identity; `false` repeats one for each source until it expires. Default: true. */
  rotate?: boolean
  /** Called with each new identity before it is sent: pass it to `rds.setIdentities` to let it log in. */
  onIssued?: (identity: IssuedIdentity) => void
  /** Path of the container endpoint. Default: `/v2/credentials/` and a random id. */
  containerPath?: string
  /** The value that the container endpoint expects in `Authorization`; `false` for none. Default: random. */
  containerToken?: string | false
  /** Name of the role of the instance, the container and the web identity. Default: `test`. */
  role?: string
}

const REGION = 'us-east-1'

/** Running credential endpoints. */
export interface CredentialEndpoints {
  /** `http://127.0.0.1:PORT`, the address of all of them. */
  readonly url: string
  /** Number of requests to each source, failed ones included. */
  readonly requests: Readonly<Record<CredentialSource, number>>
  /** Environment variables with which an AWS SDK finds one of the sources. */
  readonly env: {
    readonly imds: Readonly<Record<string, string>>
    readonly container: Readonly<Record<string, string>>
    readonly webIdentity: Readonly<Record<string, string>>
  }
  /** Sets the fault of a source; without a fault, removes it. Requests that hang already keep hanging. */
  setFault(source: CredentialSource, fault?: CredentialFault): void
  /** Sets how long the next identities are valid, in milliseconds. */
  setLifetime(lifetimeMs: number): void
  /** Closes every connection, also those that hang, and removes the web identity's file. */
  close(): Promise<void>
}

/**
 * Starts the endpoints from which AWS SDKs get short-lived credentials, on one loopback port: EC2 instance
 * metadata (IMDSv2), the container endpoint of ECS and EKS, and STS. They issue test identities, and fail on command.
 *
 * @throws the error of `listen` when the port is taken.
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
  const { lifetimeMs = 3_600_000, rotate = true, onIssued, role = 'test' } = options
  const {
    containerPath = `/v2/credentials/${randomUUID()}`,
    containerToken = randomBytes(24).toString('base64url'),
  } = options
  const authorizationToken = containerToken === false ? undefined : containerToken
  const roleArn = `arn:aws:iam::${TEST_ACCOUNT}:role/${role}`
  const issuing = { lifetimeMs, rotate, onIssued }

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
    env: {
      imds: { AWS_EC2_METADATA_SERVICE_ENDPOINT: url, AWS_REGION: REGION },
      container: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: url + containerPath,
        ...(authorizationToken === undefined
          ? {}
          : { AWS_CONTAINER_AUTHORIZATION_TOKEN: authorizationToken }),
        AWS_REGION: REGION,
      },
      webIdentity: {
        AWS_ROLE_ARN: roleArn,
        AWS_WEB_IDENTITY_TOKEN_FILE: webIdentity.path,
        AWS_ENDPOINT_URL_STS: url,
        AWS_REGION: REGION,
      },
    },
    setFault: (source, fault) => faults.set(source, fault),
    setLifetime(lifetime) {
      issuing.lifetimeMs = lifetime
    },
    async close() {
      await server.close()
      webIdentity.remove()
    },
  }
}
