import { garbled, json, timestamp, type Answer, type CredentialService } from './answer'
import type { Issuer } from './issuer'

/** Options of the container endpoint. */
export interface ContainerEndpointParts {
  issuer: Issuer
  /** Its only path. */
  path: string
  /** The expected value of `Authorization`; undefined expects none. */
  authorizationToken: string | undefined
  roleArn: string
}

/**
 * Simulates the endpoint from which containers of ECS and EKS get the credentials of their role.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
export function createContainerEndpoint(parts: ContainerEndpointParts): CredentialService {
  const { issuer, path, authorizationToken, roleArn } = parts
  return {
    serves: (asked) => asked === path,
    failure: () => refusal(500, 'InternalServerError', 'the credentials could not be had'),
    answer({ method, headers, credentials }) {
      if (method !== 'GET') return refusal(405, 'MethodNotAllowed', 'GET them')
      if (authorizationToken !== undefined && headers['authorization'] !== authorizationToken) {
        return refusal(
          401,
          'AccessDeniedException',
          'the authorization token is not the one of this container',
        )
      }
      const identity = issuer.issue({ expired: credentials === 'expired' })
      if (credentials === 'garbage') return garbled(identity)
      return json(200, {
        RoleArn: roleArn,
        AccessKeyId: identity.accessKeyId,
        SecretAccessKey: identity.secretAccessKey,
        Token: identity.sessionToken,
        Expiration: timestamp(identity.expiration),
      })
    },
  }
}

function refusal(status: number, code: string, message: string): Answer {
  return json(status, { Code: code, Message: message })
}
