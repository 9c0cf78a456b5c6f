// Copies each example's file into the README and the guides at its mark; the tests check that they are equal.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const guides = readdirSync(`${root}docs/guides`).map((file) => `docs/guides/${file}`)
const marked = /(<!-- (test\/examples\/\S+) -->\n```[tj]s\n).*?```/gs
for (const page of ['README.md', ...guides]) {
  const text = readFileSync(root + page, 'utf8')
  writeFileSync(
    root + page,
    text.replace(marked, (_, mark, file) => `${mark}${readFileSync(root + file, 'utf8')}\`\`\``),
  )
}
