import { createHash, createHmac } from 'node:crypto'

/** A POST request that is to be signed. */
export interface UnsignedRequest {
  url: URL
  body: string
  headers: Readonly<Record<string, string>>
  region: string
  service: string
}

/** The keys that sign. */
export interface SigningKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/**
 * Signs a request for AWS, and gives all its headers.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signRequest(request: UnsignedRequest, keys: SigningKeys, now: Date): Record<string, string> {
  const { url, body, region, service } = request
  const time = now.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const scope = [time.slice(0, 8), region, service, 'aws4_request']
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    'x-amz-date': time,
    ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
  }
  const names = Object.keys(headers).toSorted()
  const signedHeaders = names.join(';')
  const canonical = [
    'POST',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    signedHeaders,
    sha256(body),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n')
  let key: string | Buffer = `AWS4${keys.secretAccessKey}`
  for (const part of scope) key = createHmac('sha256', key).update(part).digest()
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const credential = `${keys.accessKeyId}/${scope.join('/')}`
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
