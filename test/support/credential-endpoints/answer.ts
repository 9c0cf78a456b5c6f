import type { IssuedIdentity } from './issuer'

/** A request to a credential source. */
export interface CredentialRequest {
  method: string
  path: string
  /** Header values by name, in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** Parameters of the query and of a form. */
  parameters: URLSearchParams
  /** Which credentials to send, if the request asks for credentials. */
  credentials: 'good' | 'garbage' | 'expired'
}

/** The response to a request. */
export interface Answer {
  status: number
  type: 'text/plain' | 'application/json' | 'text/xml'
  body: string
  headers?: Record<string, string>
}

/** One kind of credential endpoint. */
export interface CredentialService {
  /** Whether a path is one of its own. */
  serves(path: string): boolean
  answer(request: CredentialRequest): Answer
  /** The response to a failure inside the service: HTTP 500. */
  failure(): Answer
}

/** Creates a response of plain text. */
export function text(status: number, body: string): Answer {
  return { status, type: 'text/plain', body }
}

/** Creates a response of JSON. */
export function json(status: number, body: Record<string, string>): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) }
}

/** Writes an instant as AWS does, without milliseconds. */
export function timestamp(instant: Date): string {
  return instant.toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Creates JSON that is invalid at the secret key: a parser's message about it quotes the secret. */
export function garbled({ secretAccessKey, sessionToken }: IssuedIdentity): Answer {
  const body = `{"Code":"Success","SecretAccessKey":${secretAccessKey},"Token":${sessionToken}`
  return { status: 200, type: 'application/json', body }
}
