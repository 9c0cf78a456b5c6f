import type { AcceptedEndpoint } from './iam/verify-token'

/** A name of the endpoint, taken apart: the host in lower case, an IPv6 address in brackets, and the port if it has one. */
type EndpointName = { host: string; port?: number }

const ENDPOINT = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/

/** @throws {TypeError} when the text is neither `host` nor `host:port`. */
export function parseEndpointName(text: string): EndpointName {
  const [, host, port] = ENDPOINT.exec(text.toLowerCase()) ?? []
  if (host === undefined || Number(port ?? 0) > 65_535)
    throw new TypeError(`endpoints: '${text}' is neither a host nor host:port`)
  return port === undefined ? { host } : { host, port: Number(port) }
}

/** Says which ports a token may name together with the endpoint's host. */
export function acceptedEndpoint(name: string, listening: number, standard: number): AcceptedEndpoint {
  const { host, port } = parseEndpointName(name)
  return { host, ports: port === undefined ? [...new Set([listening, standard])] : [port] }
}
