// Checks the documents for contributors, and the READMEs that npm shows.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { publishedPackages, readJson, root } from '../../scripts/packages.mjs'

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const { scripts } = readJson(join(root, 'package.json'))

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'README.md'])(
  '%s',
  (file) => {
    const prose = read(file).replaceAll(/^```.*?^```/gms, '')

    test('names commands and files that exist', () => {
      for (const [, name = ''] of prose.matchAll(/`npm (?:run )?(\w[\w:]*)/g))
        expect({ ...scripts, install: true, publish: true }, `npm run ${name}`).toHaveProperty([name])
      for (const [, path = ''] of prose.matchAll(/`((?:packages|test|scripts|docs|\.github)\/[\w./-]+)`/g))
        // Skip the files that the build writes.
        if (!path.endsWith('/dist')) expect(existsSync(join(root, path)), path).toBe(true)
      for (const [, path = ''] of prose.matchAll(/\]\((?!https:|#)([^)#]+)[^)]*\)/g))
        expect(existsSync(join(root, path)), path).toBe(true)
    })
  },
)

test('CONTRIBUTING.md shows parts of real files', () => {
  const shown = [...read('CONTRIBUTING.md').matchAll(/<!-- (\S+) -->\n```ts\n(.*?)```/gs)]
  expect(shown).toHaveLength(2)
  for (const [, file = '', code = ''] of shown)
    for (const part of code.split('\n\n')) expect(read(file)).toContain(part)
})

test.each(publishedPackages())(
  'the README of $name has its description, and all its links work on npm',
  ({ name, folder }) => {
    const text = readFileSync(join(folder, 'README.md'), 'utf8')
    const [title, empty, first] = text.split('\n')
    expect([title, empty]).toEqual([`# ${name}`, ''])
    expect(first).toMatch(/^[A-Z][^[|<]{40,}/)
    expect(text).toMatch(/npm install |npx /)
    expect(text).toContain('https://rds-iam.github.io/rds-iam/')
    // npm does not show other files of the repository.
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link)
    expect(links.filter((link) => !/^(https:\/\/|#)/.test(link ?? ''))).toEqual([])
  },
)
