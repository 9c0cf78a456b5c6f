// Copies each example file into the pages that show it, below its marker. A test checks that they are equal.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const marked = /(<!-- (test\/examples\/\S+) -->\n```[tj]s\n).*?```/gs
const guides = readdirSync(`${root}docs`, { recursive: true })
  .map((file) => `docs/${file}`)
  .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
const readmes = readdirSync(`${root}packages`).map((name) => `packages/${name}/README.md`)

for (const page of ['README.md', ...readmes, ...guides]) {
  const text = readFileSync(root + page, 'utf8')
  const copied = text.replace(marked, (_, mark, file) => `${mark}${readFileSync(root + file, 'utf8')}\`\`\``)
  if (copied !== text) writeFileSync(root + page, copied)
}
