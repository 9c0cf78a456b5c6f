/**
 * Reads the body of a response.
 *
 * @throws {Error} if it is longer than `longest` bytes.
 */
export async function textOf(response: Response, longest: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > longest) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Why a request failed: fetch reports the error of the network as a cause. */
export function reasonOf(error: unknown): string {
  const { cause, message } = error as Error
  const { code } = (cause ?? error) as NodeJS.ErrnoException
  return code && typeof code === 'string' ? code : message
}
