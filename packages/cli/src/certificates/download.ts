import { reasonOf, textOf } from '../http'

const LIMIT_MS = 30_000
const LONGEST = 10_000_000

/**
 * Downloads a text. Redirects are not followed.
 *
 * @throws {Error} that says why it cannot be downloaded.
 */
export async function download(url: URL): Promise<string> {
  const signal = AbortSignal.timeout(LIMIT_MS)
  try {
    const response = await fetch(url, { signal, redirect: 'manual' })
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`)
    return await textOf(response, LONGEST)
  } catch (cause) {
    const reason = signal.aborted ? `no answer within ${LIMIT_MS / 1_000} s` : reasonOf(cause)
    throw new Error(`${url.href} cannot be downloaded: ${reason}`, { cause })
  }
}
