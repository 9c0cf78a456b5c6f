import { join } from 'node:path'

// What fits into an address of a Unix-domain socket on macOS; on Linux it is a little more.
const LONGEST_PATH = 103

/** Path of a Unix-domain socket in a directory; undefined where there are none, or it would be too long for one. */
export function socketPath(directory: string, name: string): string | undefined {
  const path = join(directory, name)
  return process.platform === 'win32' || Buffer.byteLength(path) > LONGEST_PATH ? undefined : path
}
