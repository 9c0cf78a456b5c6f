import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What the signature of a login token is computed from. */
export interface SignedRequest {
  /** Value of the signed `host` header. */
  hostHeader: string
  /** Decoded parameters without `X-Amz-Signature`. */
  parameters: readonly (readonly [name: string, value: string])[]
  /** `X-Amz-Date`, as sent. */
  date: string
  /** Parts of the credential scope. */
  scope: { date: string; region: string; service: string; terminator: string }
}

const EMPTY_PAYLOAD_HASH = sha256Hex('')

/**
 * Computes the AWS Signature Version 4 of a presigned GET request, in hexadecimal digits.
 *
 * Source: "Create a signed AWS API request" in the IAM user guide.
 */
export function requestSignature(request: SignedRequest, secretAccessKey: string): string {
  const { scope } = request
  const query = request.parameters
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const canonicalRequest = `GET\n/\n${query}\nhost:${request.hostHeader}\n\nhost\n${EMPTY_PAYLOAD_HASH}`
  const scopeText = `${scope.date}/${scope.region}/${scope.service}/${scope.terminator}`
  const text = `AWS4-HMAC-SHA256\n${request.date}\n${scopeText}\n${sha256Hex(canonicalRequest)}`
  let key: string | Buffer = `AWS4${secretAccessKey}`
  for (const part of [scope.date, scope.region, scope.service, scope.terminator]) key = hmac(key, part)
  return hmac(key, text).toString('hex')
}

/** Compares two signatures in a time that does not depend on where they differ. */
export function sameSignature(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}

/** Compares two secrets in constant time; undefined equals nothing. */
export function sameSecret(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && sameSignature(a, b)
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
