import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const guides = readdirSync(new URL('docs/guides/', root)).filter((file) => file.endsWith('.md'))
const snippets = guides.flatMap((guide) => [
  ...readFileSync(new URL(`docs/guides/${guide}`, root), 'utf8').matchAll(
    /<!-- test\/examples\/(\S+) -->\n```[tj]s\n(.*?)```/gs,
  ),
])

it('shows every example in a guide, as it is', () => {
  const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')
  for (const [, file = '', code] of snippets) expect(code, file).toBe(read(file))

  const tested = readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => file.replace('.test', ''))
  const shown = new Set(snippets.map(([, file]) => file))
  expect(tested.filter((file) => !shown.has(file))).toEqual(['guides.ts', 'readme.ts'])
})

it('marks every program in a guide as a copy of an example', () => {
  for (const guide of guides) {
    const text = readFileSync(new URL(`docs/guides/${guide}`, root), 'utf8')
    const programs = text.match(/```[tj]s\n/g) ?? []
    const marked = text.match(/<!-- test\/examples\/\S+ -->\n```[tj]s\n/g) ?? []
    expect({ guide, programs: programs.length }).toEqual({ guide, programs: marked.length })
  }
})
