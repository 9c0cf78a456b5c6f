import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A web identity token in a file, as Kubernetes mounts one into a pod. */
export interface WebIdentityFile {
  path: string
  token: string
  /** Removes the file and its directory. */
  remove(): void
}

/** Writes a token in the form of a JWT, with a random signature, to a private file. */
export function createWebIdentityFile(): WebIdentityFile {
  const header = encode({ alg: 'RS256', typ: 'JWT' })
  const claims = encode({
    iss: 'https://oidc.example',
    sub: 'system:serviceaccount:test:test',
    aud: 'sts.amazonaws.com',
  })
  const token = `${header}.${claims}.${randomBytes(256).toString('base64url')}`

  const directory = mkdtempSync(join(tmpdir(), 'web-identity-'))
  const path = join(directory, 'token')
  writeFileSync(path, token, { mode: 0o600 })
  return { path, token, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

function encode(part: Record<string, string>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
