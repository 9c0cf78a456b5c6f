import { randomUUID } from 'node:crypto'
import { timestamp, type Answer } from './answer'
import type { IssuedIdentity } from './issuer'

/** The account of everything that is made up here; the one of AWS's own examples. */
export const TEST_ACCOUNT = '123456789012'

/** A session of a role. */
export interface RoleSession {
  account: string
  role: string
  session: string
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Makes the answer to `AssumeRole` and `AssumeRoleWithWebIdentity`. */
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

/** Makes the answer to `GetCallerIdentity`: a user's key says AKIA, and a session's ASIA. */
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

/** Makes an answer that breaks off amid the credentials. */
export function garbledRole({ accessKeyId, secretAccessKey }: IssuedIdentity): Answer {
  const body =
    `<AssumeRoleResponse xmlns="${NAMESPACE}"><AssumeRoleResult><Credentials>` +
    `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</Secret`
  return { status: 200, type: 'text/xml', body }
}

/** Makes an error as STS writes it. */
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

// What stands inside is ours, or of letters that need no escape: see RoleArn and RoleSessionName in sts.ts.
function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`
}
