import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sameSecret } from '../iam/signature'
import { answerControl, failed, type ControlAnswer, type Controlled } from './control-answer'

/** URL and token of the control endpoint. */
export interface ControlAccess {
  /** `http://127.0.0.1:PORT`. */
  url: string
  /** Bearer token: clients send `Authorization: Bearer TOKEN`. */
  token: string
}

/** A running control endpoint. */
export type Control = Awaited<ReturnType<typeof startControl>>

const REQUEST_TIME_MS = 10_000

/**
 * Serves the audit trail and the configuration of an endpoint over HTTP, on 127.0.0.1 only.
 *
 * @throws the error of `listen` when the port is taken.
 */
export async function startControl(controlled: Controlled, port: number) {
  const token = randomBytes(24).toString('base64url')
  const answer = async (request: IncomingMessage): Promise<ControlAnswer> => {
    if (!sameSecret(request.headers.authorization, `Bearer ${token}`))
      return failed(401, 'the header Authorization: Bearer TOKEN is missing or wrong')
    const body = await readBody(request)
    if (body === undefined) return failed(413, 'the body is too long')
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    return answerControl(controlled, { method: request.method ?? 'GET', path: pathname, body })
  }
  const server = createServer({ requestTimeout: REQUEST_TIME_MS }, (request, response) => {
    answer(request).then(
      (outcome) => send(response, outcome),
      () => response.destroy(), // the client disconnected, or its URL is invalid
    )
  })
  server.listen({ host: '127.0.0.1', port, exclusive: true })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const access: ControlAccess = { url, token }
  return {
    access,
    /** Stops listening and closes every connection. */
    async close(): Promise<void> {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function send(response: ServerResponse, { status, body, allow }: ControlAnswer): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(allow && { allow }),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    // The unread rest of a request must not be parsed as the next request.
    ...((status === 401 || status === 413) && { connection: 'close' }),
  })
  response.end(text)
}

// In bytes.
const MAX_BODY_BYTES = 65_536

/** Reads the body of a request; undefined when it is longer than the limit. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
