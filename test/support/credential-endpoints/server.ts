import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { text, type Answer, type CredentialService } from './answer'
import type { CredentialSource, Faults } from './fault'

/** Options of the server. */
export interface HttpServerParts {
  /** 0 for a free one. */
  port: number
  services: Readonly<Record<CredentialSource, CredentialService>>
  faults: Faults
  /** Called for each request that reaches a source, failed ones included. */
  onRequest(source: CredentialSource): void
}

/** A running server. */
export interface HttpServer {
  port: number
  /** Closes every connection, also those that hang. */
  close(): Promise<void>
}

const LONGEST_FORM = 65_536

/**
 * Listens on 127.0.0.1 and passes each request to the source that serves its path.
 *
 * @throws the error of `listen` when the port is taken.
 */
export async function startHttpServer({
  port,
  services,
  faults,
  onRequest,
}: HttpServerParts): Promise<HttpServer> {
  async function handle(request: IncomingMessage): Promise<Answer | undefined> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const source = (Object.keys(services) as CredentialSource[]).find((name) =>
      services[name].serves(pathname),
    )
    if (source === undefined) return text(404, 'Not Found')

    onRequest(source)
    const { first, delayMs, credentials } = faults.next(source)
    const form = await readForm(request)
    if (delayMs > 0) await delay(delayMs)
    if (first === 'hang') return undefined
    if (first === 'error') return services[source].failure()
    if (form === undefined) return text(413, 'Content Too Large')
    const parameters = new URLSearchParams([...searchParams, ...form])
    const { method = 'GET', headers } = request
    return services[source].answer({ method, path: pathname, headers, parameters, credentials })
  }

  const server = createServer((request, response) => {
    handle(request).then(
      (answer) => answer && send(response, answer),
      // The client disconnected, or sent an invalid URL.
      () => response.destroy(),
    )
  })
  server.listen({ host: '127.0.0.1', port })
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => stop(server) }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= LONGEST_FORM) chunks.push(chunk)
  }
  return length <= LONGEST_FORM ? new URLSearchParams(Buffer.concat(chunks).toString()) : undefined
}

function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}
