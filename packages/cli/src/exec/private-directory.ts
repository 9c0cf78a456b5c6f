import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A temporary directory that only this user can read. */
export class PrivateDirectory {
  readonly #directory = mkdtempSync(join(tmpdir(), 'rds-iam-'))

  path(name: string): string {
    return join(this.#directory, name)
  }

  /** Writes a file that only this user can read, and returns its path. */
  write(name: string, text: string): string {
    const file = this.path(name)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
    return file
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
