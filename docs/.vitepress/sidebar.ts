import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DefaultTheme } from 'vitepress'

const root = fileURLToPath(new URL('..', import.meta.url))
const MOVING = '/guides/migrate'

/** The pages in the order that they are read in; guides and API reference are whatever their folders hold. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  return [
    group('Start', ['/start', '/how-it-works', '/database-and-policy', MOVING]),
    group('Libraries', [
      '/knex',
      '/kysely',
      '/drivers',
      ...pagesIn('guides').filter((page) => page !== MOVING),
    ]),
    group('Where it runs', [
      '/credentials',
      '/endpoints',
      '/failover',
      '/readers',
      '/tls',
      '/testing',
      '/runtimes',
    ]),
    group('Beyond one cluster', [
      '/dsql',
      '/global-database',
      '/rds-proxy',
      '/express',
      '/blue-green',
      '/tried-on',
    ]),
    group('Operation', ['/troubleshooting', '/faults', '/command', '/metrics', '/performance']),
    group('Reference', ['/options', ...pagesIn('api')]),
  ]
}

function group(text: string, pages: readonly string[]): DefaultTheme.SidebarItem {
  return { text, items: pages.map((page) => ({ text: titleOf(page), link: page })) }
}

/** The pages of a folder, by their titles. */
function pagesIn(folder: string): string[] {
  if (!existsSync(root + folder)) return []
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.md') && file !== 'index.md')
    .map((file) => `/${folder}/${file.replace(/\.md$/, '')}`)
    .toSorted((a, b) => titleOf(a).localeCompare(titleOf(b), 'en'))
}

function titleOf(page: string): string {
  const [, title = page] = /^# (.+)$/m.exec(readFileSync(`${root}${page.slice(1)}.md`, 'utf8')) ?? []
  return title.replaceAll('`', '').replaceAll('\\', '')
}
