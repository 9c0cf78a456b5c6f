import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Packed } from './tarballs'

/** A registry on loopback. */
export interface Registry {
  url: string
  close(): Promise<void>
}

// Package managers resolve versions as of a fixed day: this publishing date is before it.
const PUBLISHED = '2020-01-01T00:00:00.000Z'

/** Serves packed packages as an npm registry does, and no other packages. */
export async function startRegistry(packages: Packed[]): Promise<Registry> {
  const answers = new Map<string, string | Buffer>()
  const server = createServer(({ url = '' }, response) => {
    const answer = answers.get(decodeURIComponent(url))
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const tarballs = packages.map(({ file }) => readFileSync(file))
  // Package managers cache by address: other tarballs need another.
  const path = `/${digest('sha256', Buffer.concat(tarballs)).toString('hex')}`
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  for (const [index, { name, tarball, manifest }] of packages.entries()) {
    const content = tarballs[index] as Buffer
    const integrity = `sha512-${digest('sha512', content).toString('base64')}`
    answers.set(`${path}/${tarball}`, content)
    answers.set(`${path}/${name}`, document(manifest, { tarball: `${url}/${tarball}`, integrity }))
  }
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function document(manifest: Packed['manifest'], dist: object): string {
  const { name, version } = manifest
  return JSON.stringify({
    name,
    'dist-tags': { latest: version },
    time: { [version]: PUBLISHED },
    versions: { [version]: { ...manifest, dist } },
  })
}

function digest(algorithm: string, content: Buffer): Buffer {
  return createHash(algorithm).update(content).digest()
}
