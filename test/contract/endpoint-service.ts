import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startLocalRds, type Engine, type LocalRds, type LocalRdsOptions } from '@rds-iam/local'
import { defaultsOf } from './endpoint-options'

/** A test's request for an endpoint. */
export type EndpointRequest = Pick<LocalRdsOptions, 'endpoints' | 'tls'> & { engine: Engine }

/** The service's description of an endpoint that it started for a test. */
export type StartedEndpoint = Pick<
  LocalRds,
  'engine' | 'port' | 'ca' | 'user' | 'database' | 'region' | 'env' | 'control'
>

/** Starts endpoints for tests whose clients run in another process: a worker or another runtime. */
export interface EndpointService {
  /** POST starts an endpoint. DELETE `/PORT` closes it. `/PORT/closed` responds when no client is connected. */
  url: string
  close(): Promise<void>
}

/** Starts the service. Its endpoints forward to the servers at these URLs. */
export async function startEndpointService(
  backends: Record<Exclude<Engine, 'dsql'>, string>,
): Promise<EndpointService> {
  const endpoints = new Map<number, LocalRds>()

  async function start(request: EndpointRequest): Promise<StartedEndpoint> {
    const { engine: requested } = request
    const backend = backends[requested === 'dsql' ? 'postgres' : requested]
    const rds = await startLocalRds({ backend, control: true, ...defaultsOf(requested), ...request })
    endpoints.set(rds.port, rds)
    const { engine, port, ca, user, database, region, env, control } = rds
    return { engine, port, ca, user, database, region, env, control }
  }
  async function answer(request: IncomingMessage): Promise<unknown> {
    if (request.method === 'POST') return start(JSON.parse(await text(request)))
    const [, port, closed] = request.url?.split('/') ?? []
    const rds = endpoints.get(Number(port))
    if (!rds) throw new Error(`no endpoint has the port ${port}`)
    if (closed) while (rds.openConnections > 0) await once(rds.events, 'disconnection')
    else await rds.close()
    return {}
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (body) => response.end(JSON.stringify(body)),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      for (const rds of endpoints.values()) await rds.close()
    },
  }
}

async function text(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return body
}
