import type { LoginEvent, TestIdentity } from '@rds-iam/local'
import type { LoginOptions } from './adapter'
import { loginOptions } from './endpoint-options'
import type { EndpointRequest, StartedEndpoint } from './endpoint-service'

/** A local RDS endpoint in another process. */
export interface RemoteEndpoint extends StartedEndpoint {
  /** Options that log in to it: its host, user, CA certificate, region and identity. */
  options: LoginOptions
  /** The identity that may log in. */
  identity: TestIdentity
  /** How often the credentials were fetched. */
  fetches(): number
  logins(): Promise<LoginEvent[]>
  setIdentities(identities: TestIdentity[]): Promise<void>
  setClockOffset(clockOffsetMs: number): Promise<void>
  dropConnections(): Promise<void>
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>
  close(): Promise<void>
}

/** Starts an endpoint through the service at the URL `service`. */
export async function openEndpoint(service: string, request: EndpointRequest): Promise<RemoteEndpoint> {
  const started = (await ask(service, 'POST', request)) as StartedEndpoint
  const { port, env, control } = started
  const address = `${service}/${port}`
  const authorization = { authorization: `Bearer ${control?.token}` }
  const order = (path: string, method: string, body?: object) =>
    ask(`${control?.url}${path}`, method, body, authorization)
  const identity = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  let fetches = 0
  const credentials = () => {
    fetches++
    return Promise.resolve(identity)
  }
  return {
    ...started,
    options: loginOptions(started, credentials),
    identity,
    fetches: () => fetches,
    logins: async () => (await order('/logins', 'GET')) as LoginEvent[],
    setIdentities: async (identities) => void (await order('/configuration', 'PATCH', { identities })),
    setClockOffset: async (clockOffsetMs) => void (await order('/configuration', 'PATCH', { clockOffsetMs })),
    dropConnections: async () => void (await order('/drop-connections', 'POST')),
    allClosed: async () => void (await ask(`${address}/closed`, 'GET')),
    close: async () => void (await ask(address, 'DELETE')),
  }
}

async function ask(url: string, method: string, body?: object, headers = {}): Promise<unknown> {
  const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return response.json()
}
