import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'

const LIMIT_MS = 30_000
const LONGEST = 10_000_000

/**
 * Fetches a text. Redirections are not followed.
 *
 * @throws {Error} that says what the address answered in place of it.
 */
export function download(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'http:' ? httpGet : httpsGet
    const signal = AbortSignal.timeout(LIMIT_MS)
    const fail = (error: NodeJS.ErrnoException): void => {
      const why = signal.aborted ? `no answer within ${LIMIT_MS / 1_000} s` : error.message || error.code
      reject(new Error(`${url.href} cannot be fetched: ${why}`, { cause: error }))
    }
    get(url, { signal, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let length = 0
      if (response.statusCode !== 200) {
        response.resume()
        return fail(new Error(`HTTP ${response.statusCode}`))
      }
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > LONGEST) response.destroy(new Error('it is too long for a bundle of certificates'))
        else chunks.push(chunk)
      })
      response.once('error', fail)
      response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    }).once('error', fail)
  })
}
