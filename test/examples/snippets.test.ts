import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')
const list = (folder: string) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .toSorted()

// The API reference is generated from doc comments.
const isWritten = (file: string) => file.endsWith('.md') && !/node_modules|^docs\/api\//.test(file)
const readmes = readdirSync(new URL('packages', root)).map((name) => `packages/${name}/README.md`)
const pages = ['README.md', ...readmes, ...list('docs').filter(isWritten)]
const snippets = pages.flatMap((page) =>
  [...read(page).matchAll(/<!-- (test\/examples\/\S+) -->\n```[tj]s\n(.*?)```/gs)].map(
    ([, file = '', code]) => ({ page, file, code }),
  ),
)
const shownOn = (page: RegExp) =>
  new Set(snippets.filter((snippet) => page.test(snippet.page)).map(({ file }) => file))

it.each(pages)('%s shows its examples unchanged', (page) => {
  for (const { file, code } of snippets.filter((snippet) => snippet.page === page))
    expect(code, file).toBe(read(file))
})

it.each(pages)('%s marks every program as a copy of an example file', (page) => {
  const text = read(page)
  const programs = text.match(/^```(?:[tj]s|javascript|typescript)\b.*$/gm) ?? []
  const marked = text.match(/<!-- test\/examples\/\S+ -->\n```[tj]s\n/g) ?? []
  expect(programs).toHaveLength(marked.length)
})

it('every example is shown on some page', () => {
  const tests = list('test/examples').filter((file) => file.endsWith('.test.ts'))
  const tested = tests.map((file) => file.replace('.test', '')).filter((file) => !isOfPages(file))
  expect(tested.filter((file) => !shownOn(/^docs\//).has(file))).toEqual([])
  expect(list('test/examples/readme').filter((file) => !shownOn(/^README/).has(file))).toEqual([])
  expect(list('test/examples/docs').filter((file) => !shownOn(/^docs\//).has(file))).toEqual([])
  expect(list('test/examples/packages').filter((file) => !shownOn(/^packages\//).has(file))).toEqual([])
  expect(list('test/examples/local').filter((file) => !shownOn(/^packages\/local/).has(file))).toEqual([])
})

const isOfPages = (file: string) => /\/(?:snippets|readme|readers|local)\.ts$/.test(file)
