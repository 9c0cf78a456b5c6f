import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs'

/**
 * Writes a file atomically: a reader sees the old text or the new one. A replaced file keeps its mode. A device or a
 * FIFO is written to, not replaced.
 *
 * @throws {Error} that names the file. No temporary file remains.
 */
export function writeWhole(file: string, text: string): void {
  try {
    const old = statSync(file, { throwIfNoEntry: false })
    if (old && !old.isFile()) writeFileSync(file, text)
    else replaceFile(old ? realpathSync(file) : file, text, old)
  } catch (cause) {
    throw new Error(`${file} cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

function replaceFile(target: string, text: string, old: Stats | undefined): void {
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    // Only we may open the file before it has the old file's mode.
    const handle = openSync(temporary, 'wx', old ? 0o600 : 0o644)
    try {
      writeFileSync(handle, text)
      if (old) {
        // Only root can give a file away.
        if (process.geteuid?.() === 0) fchownSync(handle, old.uid, old.gid)
        fchmodSync(handle, old.mode)
      }
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
