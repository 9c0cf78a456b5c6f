import type { Answer, CredentialRequest, CredentialService } from './answer'
import type { Issuer } from './issuer'
import { assumedRole, callerIdentity, garbledRole, stsError } from './sts-answer'

/** Options of STS. */
export interface StsParts {
  issuer: Issuer
  /** The only web identity token that is accepted. */
  webIdentityToken: string
}

type Action = (request: CredentialRequest) => Answer

const ROLE_ARN = /^arn:[\w-]+:iam::(\d{12}):role\/(?:[\w+=,.@/-]*\/)?([\w+=,.@-]+)$/
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/

/**
 * Simulates AWS Security Token Service: `AssumeRole`, `AssumeRoleWithWebIdentity` and `GetCallerIdentity` of its
 * query API. Every role may be assumed; signatures are not checked, only that there is one.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/
 */
export function createSts({ issuer, webIdentityToken }: StsParts): CredentialService {
  const actions = new Map<string, Action>([
    [
      'AssumeRole',
      (request) => (accessKeyOf(request) === undefined ? unsigned() : assume('AssumeRole', request)),
    ],
    [
      'AssumeRoleWithWebIdentity',
      (request) =>
        request.parameters.get('WebIdentityToken') === webIdentityToken
          ? assume('AssumeRoleWithWebIdentity', request)
          : stsError(
              400,
              'InvalidIdentityToken',
              'The web identity token is not the one that was handed out',
            ),
    ],
    [
      'GetCallerIdentity',
      (request) => {
        const accessKeyId = accessKeyOf(request)
        return accessKeyId === undefined ? unsigned() : callerIdentity(accessKeyId)
      },
    ],
  ])

  function assume(action: string, { parameters, credentials }: CredentialRequest): Answer {
    const [, account, role] = ROLE_ARN.exec(parameters.get('RoleArn') ?? '') ?? []
    const session = parameters.get('RoleSessionName') ?? ''
    if (account === undefined || role === undefined)
      return stsError(400, 'ValidationError', 'RoleArn is invalid')
    if (!SESSION_NAME.test(session)) return stsError(400, 'ValidationError', 'RoleSessionName is invalid')
    const identity = issuer.issue({ expired: credentials === 'expired' })
    return credentials === 'garbage'
      ? garbledRole(identity)
      : assumedRole(action, { account, role, session }, identity)
  }

  return {
    serves: (path) => path === '/',
    failure: () =>
      stsError(500, 'InternalFailure', 'The request processing has failed because of an internal error'),
    answer(request) {
      const action = actions.get(request.parameters.get('Action') ?? '')
      return action?.(request) ?? stsError(400, 'InvalidAction', 'Could not find the operation')
    },
  }
}

function accessKeyOf({ headers }: CredentialRequest): string | undefined {
  return /^AWS4-HMAC-SHA256 Credential=(\w+)\//.exec(String(headers['authorization'] ?? ''))?.[1]
}

function unsigned(): Answer {
  return stsError(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token')
}
