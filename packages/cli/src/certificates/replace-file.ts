import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'

/**
 * Writes a file at once or not at all: whoever reads it meanwhile sees the old one or the new one.
 *
 * @throws {Error} with the name of the file; nothing is left then.
 */
export function replaceFile(file: string, text: string): void {
  const target = existsSync(file) ? realpathSync(file) : file
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = openSync(temporary, 'wx', 0o644)
    try {
      writeSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, target)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw new Error(`${file} cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}
