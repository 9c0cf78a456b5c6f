import { randomBytes } from 'node:crypto'
import {
  garbled,
  json,
  text,
  timestamp,
  type Answer,
  type CredentialRequest,
  type CredentialService,
} from './answer'
import type { Issuer } from './issuer'

const TOKEN_PATH = '/latest/api/token'
const ROLES_PATH = '/latest/meta-data/iam/security-credentials/'
const LONGEST_TTL_SECONDS = 21_600

/**
 * Simulates EC2's instance metadata service, version 2: requests need a session token, which a `PUT` returns.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
export function createInstanceMetadata(issuer: Issuer, role: string): CredentialService {
  const sessions = new Map<string, number>()

  function openSession({ headers }: CredentialRequest): Answer {
    // A proxy would share the session with its clients.
    if (headers['x-forwarded-for'] !== undefined) return text(403, 'Forbidden')
    const ttl = String(headers['x-aws-ec2-metadata-token-ttl-seconds'] ?? '')
    const seconds = /^\d+$/.test(ttl) ? Number(ttl) : 0
    if (seconds < 1 || seconds > LONGEST_TTL_SECONDS) return text(400, 'Bad Request')

    const now = Date.now()
    for (const [token, end] of sessions) if (end <= now) sessions.delete(token)
    const token = randomBytes(42).toString('base64')
    sessions.set(token, now + seconds * 1_000)
    return { ...text(200, token), headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(seconds) } }
  }

  function isOpen(token: string | string[] | undefined): boolean {
    return typeof token === 'string' && (sessions.get(token) ?? 0) > Date.now()
  }

  function credentials(kind: CredentialRequest['credentials']): Answer {
    const identity = issuer.issue({ expired: kind === 'expired' })
    if (kind === 'garbage') return garbled(identity)
    return json(200, {
      Code: 'Success',
      LastUpdated: timestamp(new Date()),
      Type: 'AWS-HMAC',
      AccessKeyId: identity.accessKeyId,
      SecretAccessKey: identity.secretAccessKey,
      Token: identity.sessionToken,
      Expiration: timestamp(identity.expiration),
    })
  }

  return {
    serves: (path) => path.startsWith('/latest/'),
    failure: () => text(500, 'Internal Server Error'),
    answer(request) {
      const { method, path, headers } = request
      if (path === TOKEN_PATH)
        return method === 'PUT' ? openSession(request) : text(405, 'Method Not Allowed')
      if (!isOpen(headers['x-aws-ec2-metadata-token'])) return text(401, 'Unauthorized')
      if (method !== 'GET') return text(405, 'Method Not Allowed')
      if (path === ROLES_PATH || `${path}/` === ROLES_PATH) return text(200, role)
      return path === ROLES_PATH + role ? credentials(request.credentials) : text(404, 'Not Found')
    },
  }
}
