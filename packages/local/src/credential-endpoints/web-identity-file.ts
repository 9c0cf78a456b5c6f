import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createScratchDirectory } from '../servers/scratch-directory'

/** A web identity token in a file, as Kubernetes mounts one into a pod. */
export interface WebIdentityFile {
  path: string
  token: string
  /** Removes the file and its directory. */
  remove(): void
}

/** Writes a token in the form of a JWT, signed by nobody, to a private file. */
export function createWebIdentityFile(): WebIdentityFile {
  const header = encode({ alg: 'RS256', typ: 'JWT' })
  const claims = encode({
    iss: 'https://oidc.example',
    sub: 'system:serviceaccount:test:test',
    aud: 'sts.amazonaws.com',
  })
  const token = `${header}.${claims}.${randomBytes(256).toString('base64url')}`

  const directory = createScratchDirectory()
  const path = join(directory.path, 'token')
  writeFileSync(path, token, { mode: 0o600 })
  return { path, token, remove: directory.remove }
}

function encode(part: Record<string, string>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
