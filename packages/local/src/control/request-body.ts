import type { IncomingMessage } from 'node:http'

/** Longest body of a request, in bytes. */
export const MAX_BODY = 65_536

/**
 * Reads the body of a request, up to a limit.
 *
 * Gives undefined when it is longer; what is over is not kept.
 */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
