import { randomUUID } from 'node:crypto'
import { timestamp, type Answer } from './answer'
import type { IssuedIdentity } from './issuer'

/** The account of all identities here; AWS's examples use it. */
export const TEST_ACCOUNT = '123456789012'

/** A session of a role. */
export interface RoleSession {
  account: string
  role: string
  session: string
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Creates the response to `AssumeRole` and `AssumeRoleWithWebIdentity`. */
export function assumedRole(
  action: string,
  { account, role, session }: RoleSession,
  identity: IssuedIdentity,
): Answer {
  return response(
    action,
    element(
      'AssumedRoleUser',
      element('AssumedRoleId', `AROA3XFRBF535PLBIFPI4:${session}`) +
        element('Arn', `arn:aws:sts::${account}:assumed-role/${role}/${session}`),
    ) +
      element(
        'Credentials',
        element('AccessKeyId', identity.accessKeyId) +
          element('SecretAccessKey', identity.secretAccessKey) +
          element('SessionToken', identity.sessionToken) +
          element('Expiration', timestamp(identity.expiration)),
      ),
  )
}

/** Creates the response to `GetCallerIdentity`: a user's key begins with AKIA, a session's with ASIA. */
export function callerIdentity(accessKeyId: string): Answer {
  const isSession = accessKeyId.startsWith('ASIA')
  const id = `${isSession ? 'AROA' : 'AIDA'}3XFRBF535PLBIFPI4`
  return response(
    'GetCallerIdentity',
    element(
      'Arn',
      `arn:aws:${isSession ? 'sts' : 'iam'}::${TEST_ACCOUNT}:${isSession ? 'assumed-role/test/test' : 'user/test'}`,
    ) +
      element('UserId', isSession ? `${id}:test` : id) +
      element('Account', TEST_ACCOUNT),
  )
}

/** Creates a response that breaks off within the credentials. */
export function garbledRole({ accessKeyId, secretAccessKey }: IssuedIdentity): Answer {
  const body =
    `<AssumeRoleResponse xmlns="${NAMESPACE}"><AssumeRoleResult><Credentials>` +
    `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</Secret`
  return { status: 200, type: 'text/xml', body }
}

/** Creates an error in STS's form. */
export function stsError(status: number, code: string, message: string): Answer {
  const error =
    element('Type', status < 500 ? 'Sender' : 'Receiver') +
    element('Code', code) +
    element('Message', message)
  const body = element('Error', error) + element('RequestId', randomUUID())
  return { status, type: 'text/xml', body: `<ErrorResponse xmlns="${NAMESPACE}">${body}</ErrorResponse>` }
}

function response(action: string, result: string): Answer {
  const metadata = element('ResponseMetadata', element('RequestId', randomUUID()))
  const body = element(`${action}Result`, result) + metadata
  return {
    status: 200,
    type: 'text/xml',
    body: `<${action}Response xmlns="${NAMESPACE}">${body}</${action}Response>`,
  }
}

// The content needs no escape: it is ours, or matched by ROLE_ARN or SESSION_NAME in sts.ts.
function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`
}
