import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A directory that only this user can look into. */
export interface PrivateDirectory {
  /** The path of a file in it. */
  path(name: string): string
  /** Writes a file that only this user can read, and gives its path. */
  write(name: string, text: string): string
  remove(): void
}

/** Makes an empty one in the directory for temporary files. */
export function createPrivateDirectory(): PrivateDirectory {
  const directory = mkdtempSync(join(tmpdir(), 'rds-iam-'))
  const path = (name: string): string => join(directory, name)
  return {
    path,
    write(name, text) {
      const file = path(name)
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
      return file
    },
    remove() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
