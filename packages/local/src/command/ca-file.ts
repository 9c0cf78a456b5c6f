import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createScratchDirectory } from '../servers/scratch-directory'

/** A file with the CA certificate, which is removed when this process ends. */
export interface CaFile {
  /** Its absolute path. */
  path: string
  /** Removes it. */
  remove(): void
}

/**
 * Writes the certificate to the named file, or to one in a private temporary directory.
 *
 * @throws the error of the file system.
 */
export function writeCaFile(ca: string, file: string | undefined): CaFile {
  if (file !== undefined) {
    const path = resolve(file)
    writeFileSync(path, ca)
    return { path, remove: () => rmSync(path, { force: true }) }
  }
  const directory = createScratchDirectory()
  const path = join(directory.path, 'ca.pem')
  writeFileSync(path, ca, { mode: 0o600 })
  return { path, remove: directory.remove }
}
