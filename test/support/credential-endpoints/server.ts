import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { text, type Answer, type CredentialService } from './answer'
import type { CredentialSource, Faults } from './fault'

/** What the server of the credential endpoints is made of. */
export interface HttpServerParts {
  /** 0 for a free one. */
  port: number
  services: Readonly<Record<CredentialSource, CredentialService>>
  faults: Faults
  /** Called for each request that reaches a source, whatever becomes of it. */
  onRequest(source: CredentialSource): void
}

/** A server that listens. */
export interface HttpServer {
  port: number
  /** Ends every connection, the hanging ones too. */
  close(): Promise<void>
}

const LONGEST_FORM = 65_536

/**
 * Listens on 127.0.0.1 and hands each request to the source whose path it asks for.
 *
 * @throws the error of `listen` when the port is taken.
 */
export async function startHttpServer({
  port,
  services,
  faults,
  onRequest,
}: HttpServerParts): Promise<HttpServer> {
  async function treat(request: IncomingMessage): Promise<Answer | undefined> {
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
    treat(request).then(
      (answer) => answer && send(response, answer),
      // The client went away, or sent what is no HTTP.
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
