import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BASE = '/rds-iam/'
const built = fileURLToPath(new URL('../../docs/.vitepress/dist/', import.meta.url))

/** The addresses of all pages that `npm run docs` has built, below the base. */
export const pages: readonly string[] = listPages()

/** The built site on loopback, served as GitHub Pages serves it. */
export interface Site {
  /** The address of its first page. */
  url: string
  close(): Promise<void>
}

export async function serveSite(): Promise<Site> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://site')
    const file = pathname.startsWith(BASE)
      ? findFile(decodeURIComponent(pathname.slice(BASE.length)))
      : undefined
    response.writeHead(file ? 200 : 404, { 'content-type': TYPES[extname(file ?? '')] ?? 'text/plain' })
    response.end(file ? readFileSync(file) : 'not found')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** An address without its ending is that of a page. */
function findFile(path: string): string | undefined {
  const candidates = [path, `${path}.html`, `${path.replace(/(?<=.)$/, '/')}index.html`]
  return candidates
    .map((candidate) => built + candidate.replace(/\/\/$/, '/'))
    .find((file) => !file.includes('..') && statSync(file, { throwIfNoEntry: false })?.isFile())
}

function listPages(): string[] {
  if (!statSync(built, { throwIfNoEntry: false })) throw new Error('the site is not built: npm run docs')
  return readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html') && file !== '404.html')
    .map((file) => file.replaceAll('\\', '/').replace(/(?:(?<=^|\/)index)?\.html$/, ''))
    .toSorted()
}
