import { statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MarkdownRenderer } from 'vitepress'

const docs = fileURLToPath(new URL('..', import.meta.url))
const root = join(docs, '..')

/** Lets a page link to a file of the repository by its relative path, as it works on GitHub. */
export function linkRepository(markdown: MarkdownRenderer, repository: string): void {
  const next = markdown.renderer.rules['link_open']
  markdown.renderer.rules['link_open'] = (tokens, index, options, env: { path: string }, self) => {
    const token = tokens[index]
    const href = token?.attrGet('href') ?? ''
    const file = /^\.\.?\/[^#]*/.exec(href)?.[0]
    const target = file && join(dirname(env.path), file)
    if (target && relative(docs, target).startsWith('..')) {
      const kind = statSync(target).isDirectory() ? 'tree' : 'blob'
      token?.attrSet('href', `${repository}/${kind}/main/${relative(root, target)}${href.slice(file.length)}`)
    }
    return next ? next(tokens, index, options, env, self) : self.renderToken(tokens, index, options)
  }
}
